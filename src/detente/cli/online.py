"""The running line: `run`, `stop`, `send`, `reply`, `ack`, `log`, `status`, `evidence`.

Its law: an operator is told what is durable and where (queued here, or on its way), and nothing is called received
without proof. A message for an EXERCISE channel must say so, and one for a REAL channel must not.
"""

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

import click
import structlog

from detente.cli import online_views
from detente.cli.files import FILE_PATH, HOME_PATH, get_text, put_file
from detente.cli.passphrases import passphrase_of, passphrase_option
from detente.cli.speech import Act, framed, say, say_json, warn
from detente.errors import LocalMisuse
from detente.ids import PARTY_ID, parse_ref
from detente.records.marks import marked_text
from detente.station.home import Home
from detente.station.local import ask, is_running
from detente.station.papers import mode_of
from detente.station.runtime import now_ms
from detente.station.runtime import run as run_station

TEXT_OCTETS_MAX = 1_000_000  # far more than anybody reads in a crisis; longer things are documents
WORDS_OF_PRECEDENCE = ("flash", "immediate", "priority", "routine")

_Command = TypeVar("_Command", bound=Callable[..., Any])


class MessageOptions(TypedDict):
    """What `send` and `reply` are told."""

    channel: str
    to: tuple[str, ...]
    info: tuple[str, ...]
    precedence: str
    text_path: Path | None
    message: str | None
    lang: str | None
    by: str | None
    exercise: bool
    passphrase_file: Path | None


channel_option = click.option(
    "--channel",
    default="",
    metavar="CHANNEL",
    help="Its name, or a beginning that fits one only. May be left out where there is one.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_exercise = click.option("--exercise", is_flag=True, help="Say it for an EXERCISE channel; a REAL channel refuses it.")
_by = click.option("--by", metavar="FUNCTION", help="The issuing officer's function, never a name.")
_precedence = click.option(
    "--precedence",
    required=True,
    type=click.Choice(WORDS_OF_PRECEDENCE, case_sensitive=False),
    help="How urgent it is.",
)


def message_options(command: _Command) -> _Command:
    """The text of a message, as `send` and `reply` take it."""
    for option in (
        click.option(
            "--text", "text_path", type=FILE_PATH, metavar="FILE", help="The text from a file; - is standard input."
        ),
        click.option("--message", metavar="TEXT", help="The text itself; other people of this machine may see it."),
        click.option("--lang", metavar="LANG", help="The text's language, two letters."),
        click.option("--info", multiple=True, metavar="PARTY,...", help="Parties that read it for information."),
    ):
        command = option(command)
    return command


@click.command(cls=Act, short_help="Run the station until it is told to stop.")
@click.argument("home", type=HOME_PATH)
@passphrase_option
def run(home: Path, passphrase_file: Path | None) -> None:
    """Run the station of HOME: keep the line to all stations of its charters.

    It listens where config.toml says and dials where the charters say. One
    reachable side is enough. Runs in the foreground until SIGTERM, Ctrl-C or
    `detente stop HOME`. Its log is on standard error.
    """
    opened = Home.open(home)
    name = f"{opened.config.party}/{opened.config.station}"
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

    def ready(_runtime: object) -> None:
        where = ", ".join(opened.config.listen) or "nowhere (it only dials)"
        say(f"Station {name} runs; it listens on {where}. Stop it with Ctrl-C.")
        sys.stdout.flush()

    run_station(opened, passphrase_of(opened, passphrase_file)(), ready)
    say(f"Station {name} has stopped.")


@click.command(cls=Act, short_help="Stop the running station.")
@click.argument("home", type=HOME_PATH)
def stop(home: Path) -> None:
    """Stop the station that runs in HOME. Everything said is durable already; nothing is lost."""
    opened = Home.open(home)
    if not is_running(opened):
        raise LocalMisuse(f"no station runs in {opened.path}")
    ask(opened, "stop", {}, lambda: b"")
    say("The station stops.")


@click.command(cls=Act, short_help="Send a message.")
@click.argument("home", type=HOME_PATH)
@channel_option
@click.option("--to", "to", required=True, multiple=True, metavar="PARTY,...", help="Parties that are to act on it.")
@_precedence
@message_options
@_by
@_exercise
@passphrase_option
@_json
def send(*, home: Path, as_json: bool, **options: Unpack[MessageOptions]) -> None:
    r"""Write a message into our book, sealed for its addressees.

    If the station runs it goes out at once; if not, it is committed and queued
    and goes out when the station runs. `detente log` shows how far it came.
    Exit status 0 means: it is durable here, signed, and cannot be unsaid.

    For example:
      detente send ~/alfa --channel line.example.org --to bravo \
          --precedence flash --by "duty officer" --message "Call us." --exercise
    """
    _send(home, _parties("--to", options["to"]), [], options, as_json=as_json)


@click.command(cls=Act, short_help="Answer an entry.")
@click.argument("home", type=HOME_PATH)
@click.argument("entry", metavar="ENTRY")
@channel_option
@click.option("--to", "to", multiple=True, metavar="PARTY,...", help="Default: the party that wrote ENTRY.")
@_precedence
@message_options
@_by
@_exercise
@passphrase_option
@_json
def reply(*, home: Path, entry: str, as_json: bool, **options: Unpack[MessageOptions]) -> None:
    r"""Send a message that answers ENTRY, written as PARTY/INDEX like bravo/17.

    For example:
      detente reply ~/alfa bravo/17 --channel line.example.org \
          --precedence immediate --message "We have stopped." --exercise
    """
    ref = parse_ref(entry)
    _send(home, _parties("--to", options["to"]) or [ref.party], [str(ref)], options, as_json=as_json)


@click.command(cls=Act, short_help="Acknowledge an entry: it has been read by a function.")
@click.argument("home", type=HOME_PATH)
@click.argument("entry", metavar="ENTRY")
@channel_option
@click.option(
    "--by", required=True, metavar="FUNCTION", help="Who has read it: a function like 'duty officer', never a name."
)
@passphrase_option
@_json
def ack(home: Path, entry: str, channel: str, by: str, passphrase_file: Path | None, as_json: bool) -> None:
    """Tell its author that ENTRY (PARTY/INDEX) has been read by that function. It is not agreement."""
    opened = Home.open(home)
    ref = parse_ref(entry)
    arguments = {"channel": channel, "entry": str(ref), "by": by}
    answer = ask(opened, "acknowledge", arguments, passphrase_of(opened, passphrase_file))
    _say_written(opened, answer, f"acknowledges {ref} by {by}", as_json=as_json)


@click.command(cls=Act, short_help="Show the record of a channel in reading order.")
@click.argument("home", type=HOME_PATH)
@channel_option
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the last N entries.")
@click.option(
    "--all", "everything", is_flag=True, help="Also entries of the protocol itself: openings, keys, adoptions."
)
@passphrase_option
@_json
def log(
    home: Path,
    channel: str,
    limit: int | None,
    everything: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Show what was said in CHANNEL, by everyone, in reading order.

    Under each message of ours stands how far it came, for each addressee:
    queued, sent, held, acknowledged, answered. From `held` on there is proof.
    With --json: one object a line, every entry, texts octet for octet.
    """
    opened = Home.open(home)
    answer = ask(opened, "log", {"channel": channel, "limit": limit}, passphrase_of(opened, passphrase_file))
    if as_json:
        for entry in answer["entries"]:
            say_json({"channel": answer["channel"], "mode": answer["mode"], **entry})
        return
    with framed(answer["mode"]):
        online_views.say_log(answer, now_ms(), everything=everything)


@click.command(cls=Act, short_help="Show the state of the line.")
@click.argument("home", type=HOME_PATH)
@passphrase_option
@_json
def status(home: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Show every channel of HOME: links, books, receipts, and findings against anybody."""
    opened = Home.open(home)
    answer = ask(opened, "status", {}, passphrase_of(opened, passphrase_file))
    if as_json:
        say_json(answer)
        return
    online_views.say_status(answer, now_ms())


@click.command(cls=Act, short_help="Cut evidence out of the books into a file.")
@click.argument("home", type=HOME_PATH)
@channel_option
@click.option("--entry", metavar="ENTRY", help="One entry, PARTY/INDEX; everything else stays hidden.")
@click.option("--all", "everything", is_flag=True, help="Every book, whole.")
@click.option(
    "--reveal", is_flag=True, help="Disclose what it says, too. Without: only that it was said, when, and who held it."
)
@click.option("-o", "output", type=FILE_PATH, required=True, metavar="FILE", help="Where to put the bundle.")
@passphrase_option
@_json
def evidence(
    home: Path,
    channel: str,
    entry: str | None,
    everything: bool,
    reveal: bool,
    output: Path,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Write evidence that anybody can check offline with `detente verify FILE`.

    For example:
      detente evidence ~/alfa --channel line.example.org --entry alfa/3 --reveal -o alfa-3.evidence
    """
    if (entry is None) != everything:
        raise LocalMisuse("say what: --entry PARTY/INDEX for one entry, or --all for every book; not both")
    opened = Home.open(home)
    arguments = {"channel": channel, "entry": str(parse_ref(entry)) if entry else None, "reveal": reveal}
    answer = ask(opened, "evidence", arguments, passphrase_of(opened, passphrase_file))
    octets = base64.b64decode(answer["bundle"])
    put_file(output, octets)
    if reveal and (entry is None or parse_ref(entry).party != opened.config.party):
        warn(
            "UNILATERAL DISCLOSURE: the file shows texts. Give it only to those whom the charter names, or with consent"
        )
    if as_json:
        say_json({"channel": answer["channel"], "file": str(output), "octets": len(octets), "revealed": reveal})
        return
    with framed(mode_of(opened, answer["channel"])):
        say(f"Evidence of {entry or 'every book'} in {answer['channel']}: {output}, {len(octets):,} octets.")
        say(f"Check it, here or anywhere: detente verify {output}")


# --- what they share


def _send(home: Path, to: list[str], re: list[str], options: MessageOptions, *, as_json: bool) -> None:
    opened = Home.open(home)
    arguments = {
        "form": "message",
        "channel": options["channel"],
        "to": to,
        "info": _parties("--info", options["info"]),
        "precedence": options["precedence"].lower(),
        "text": _text(options["text_path"], options["message"]),
        "lang": options["lang"],
        "by": options["by"],
        "re": re,
        "exercise": options["exercise"],
    }
    answer = ask(opened, "send", arguments, passphrase_of(opened, options["passphrase_file"]))
    _say_written(opened, answer, f"{options['precedence'].upper()} to {', '.join(to)}", as_json=as_json)


def _say_written(home: Home, answer: dict[str, Any], what: str, *, as_json: bool) -> None:
    state = "sent" if answer["running"] else "queued"
    if as_json:
        say_json({**answer, "state": state})
        return
    entries = ", ".join(answer["entries"])
    with framed(mode_of(home, answer["channel"])):
        say(f"{entries}: {marked_text(what)}, {answer['channel']}")
        if answer["running"]:
            say("Durable here and handed to the running station. `detente log` shows when it is held there.")
        else:
            say("queued: durable here. No station runs; it goes out when you start `detente run`.")


def _parties(option: str, values: tuple[str, ...]) -> list[str]:
    """`--to bravo,meridian` and `--to bravo --to meridian` mean the same."""
    found = [one.strip() for value in values for one in value.split(",")]
    for one in found:
        if not PARTY_ID.fullmatch(one):
            raise LocalMisuse(f"{option} takes party ids, for example {option} bravo,meridian, not {one!r}")
    return list(dict.fromkeys(found))


def _text(path: Path | None, message: str | None) -> str:
    if (path is None) == (message is None):
        raise LocalMisuse("give the text once: --message TEXT, or --text FILE (- for standard input)", rule="READ-4")
    text = message if path is None else get_text(path, TEXT_OCTETS_MAX)
    if not text or text.isspace():
        raise LocalMisuse("the text is empty", rule="READ-4")
    return text
