"""`detente replay` before it plays: what it refuses, and what it says to do."""

from pathlib import Path

import pytest

from tests.cli.desks import Desk, done, run

MOLINK = ("--as", "us-molink=alfa", "--as", "soviet-molink=bravo")


def test_without_a_running_station_nothing_is_played(joined_desk: Desk) -> None:
    """It names the command that is missing; --dry-run needs none."""
    told = run("replay", joined_desk.alfa, "molink-1967", *MOLINK)
    assert told.exit_code == 2
    assert "no station runs" in told.stderr
    assert "to send" in done("replay", joined_desk.alfa, "molink-1967", *MOLINK, "--dry-run")


def test_a_real_channel_is_refused(drafted_desk: Desk) -> None:
    """CHARTER-2: no drill on a line that is not one."""
    charter = drafted_desk.folder / "real.charter"
    drafted_desk.draft(charter, mode="real")
    for home in (drafted_desk.alfa, drafted_desk.bravo):
        done("charter", "sign", home, charter, "--yes")
    done("charter", "join", drafted_desk.alfa, charter)
    for more in ((), ("--dry-run",)):
        told = run("replay", drafted_desk.alfa, "molink-1967", *MOLINK, *more)
        assert told.exit_code == 2
        assert "is REAL: a replay is an exercise" in told.stderr
        assert "CHARTER-2" in told.stderr


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("nowhere.json",), "nowhere.json cannot be read: No such file or directory; shipped by name: molink-1967"),
        (("molink-1967",), "message 1, field `from`: 'soviet-molink' is no party of the channel (alfa, bravo)"),
        (("molink-1967", "--as", "us-molink"), "--as takes NAME=PARTY"),
        (("molink-1967", "--as", "us-molink=alfa", "--as", "us-molink=bravo"), "one party plays it"),
        (("molink-1967", "--speed", "0"), "--speed"),
        (("molink-1967", "--channel", "other"), "is no channel of this station"),
    ],
)
def test_a_wrong_request_says_what_to_do(joined: Path, options: tuple[str, ...], fault: str) -> None:
    """Nothing is played, exit 2, one line."""
    told = run("replay", joined / "alfa", *options)
    assert told.exit_code == 2
    assert fault in told.stderr
