"""`detente verify`: what a third person checks offline from a file alone; or all channels of a HOME, from its books.

Its law: a file needs no network, no key and no passphrase; every finding is printed, and the exit status says whether
there was one.
"""

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from detente.cli.files import FILE_PATH, get_file
from detente.cli.passphrases import passphrase_of, passphrase_option
from detente.cli.speech import Act, say, say_json
from detente.errors import LocalMisuse
from detente.station.home import Home
from detente.station.local import ask
from detente.verify.audit import audit
from detente.verify.findings import Report
from detente.verify.report import as_json as report_object
from detente.verify.report import as_text

BUNDLE_OCTETS_MAX = 2_000_000_000
FINDINGS_EXIT_STATUS = 3


@click.command(cls=Act, short_help="Check evidence, or all books of a station.")
@click.argument("file", type=FILE_PATH, metavar="FILE|HOME")
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def verify(*, file: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Check the evidence in FILE, offline; or every channel of a station's HOME.

    Exit status 0: sound. 3: there are findings, all of which are printed.
    FILE needs nothing else. HOME needs its passphrase unless its station runs.

    Sound means: whoever holds these keys said this, and the others signed that
    they held it. Whose keys they are, only the fingerprints tell that people
    have compared aloud; they are printed.
    """
    if not file.is_dir():
        _end_with([("", audit(get_file(file, BUNDLE_OCTETS_MAX)))], as_json=as_json)
        return
    home = Home.open(file)
    _end_with(_reports_of(home, passphrase_of(home, passphrase_file)), as_json=as_json)


def _reports_of(home: Home, passphrase: Callable[[], bytes]) -> list[tuple[str, Report]]:
    """A whole bundle of each channel, audited as a stranger would."""
    secret: list[bytes] = []

    def once() -> bytes:
        if not secret:
            secret.append(passphrase())
        return secret[0]

    names = [channel["channel"] for channel in ask(home, "status", {}, once)["channels"]]
    if not names:
        raise LocalMisuse(f"the station of {home.path} has joined no channel, so there is nothing to check")
    found = []
    for name in names:
        answer = ask(home, "evidence", {"channel": name, "entry": None, "reveal": False}, once)
        found.append((name, audit(base64.b64decode(answer["bundle"]))))
    return found


def _end_with(reports: list[tuple[str, Report]], *, as_json: bool) -> None:
    sound = all(report.sound for _, report in reports)
    if as_json:
        objects: list[dict[str, Any]] = [report_object(report) for _, report in reports]
        say_json(objects[0] if reports[0][0] == "" else {"sound": sound, "channels": objects})
    else:
        for _, report in reports:
            say(as_text(report).rstrip("\n"))
    if not sound:
        sys.exit(FINDINGS_EXIT_STATUS)
