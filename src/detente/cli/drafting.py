"""`detente charter draft` and `amend`: a charter's text from the parties' cards.

Its law: cards are taken only with their own root's signature; what is not asked for has a stated default; a draft never
replaces another file, and an amendment keeps what CHARTER-6 keeps.
"""

import base64
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from detente.cli.files import FILE_PATH, get_file, get_paper, put_file
from detente.cli.speech import Act, framed, pairs, say
from detente.errors import LocalMisuse, Malformed
from detente.formats.card import Party
from detente.formats.charter import Charter, Contact, KeyRules, PerPrecedence, Quota, write_charter
from detente.formats.dictionary import DICTIONARY_DIGEST
from detente.formats.toml_note import LANGUAGE
from detente.ids import Milliseconds
from detente.limits import NOTE_OCTETS_MAX
from detente.station.papers import amended, read_card

_Command = TypeVar("_Command", bound=Callable[..., Any])

MODES = ("exercise", "real")
RANDOM_OCTETS = 10  # CHARTER-1: 80 random bits

# Forms that no party can suspend: the line itself, and what protects life.
NEVER_SUSPENDED = (
    "check-in",
    "service",
    "stop",
    "distress",
    "accident",
    "radiological",
    "protect",
    "passed-on",
    "medical",
    "pause",
    "corridor",
)
SCOPES = ("incidents", "notifications", "figures", "talks", "guarantees")
ACKNOWLEDGE_S = PerPrecedence(flash=300, immediate=1_800, priority=14_400, routine=86_400)
RELEASE = PerPrecedence(flash=1, immediate=1, priority=1, routine=1)
QUOTA = Quota(entries_per_day=100_000, octets_per_day=1_000_000_000)
KEYS = KeyRules(maximum_age_days=90, pq_lag_days=7)
PERIOD_MINUTES = 60


def clause_options(command: _Command) -> _Command:
    """Options that a draft and an amendment share."""
    for option in (
        click.option("-o", "output", type=FILE_PATH, required=True, metavar="FILE", help="Where to put the draft."),
        click.option(
            "--language", "languages", multiple=True, metavar="LANG", help="A further language of the channel."
        ),
        click.option(
            "--clause",
            "clauses",
            multiple=True,
            metavar="LANG=TEXT",
            help="A clause; the same LANG again begins the next.",
        ),
    ):
        command = option(command)
    return command


@click.command(cls=Act, short_help="Write a draft from the parties' cards.")
@click.option("--name", required=True, metavar="NAME", help="Like line.example.org or line.example.org/alfa-bravo.")
@click.option("--title", required=True, help="One line for people.")
@click.option("--mode", required=True, type=click.Choice(MODES), help="A drill, or meant. It can never change.")
@click.option(
    "--card",
    "cards",
    type=FILE_PATH,
    required=True,
    multiple=True,
    metavar="FILE",
    help="A party's card, once per party.",
)
@clause_options
@click.option(
    "--start", metavar="TIME", help="First check-in, UTC, like 2030-01-31T06:00:00Z. Default: the next full hour."
)
@click.option(
    "--period",
    "period_minutes",
    type=click.IntRange(1, 10_080),
    default=PERIOD_MINUTES,
    show_default=True,
    help="Minutes between check-ins.",
)
def draft(
    *,
    name: str,
    title: str,
    mode: str,
    cards: tuple[Path, ...],
    clauses: tuple[str, ...],
    languages: tuple[str, ...],
    output: Path,
    start: str | None,
    period_minutes: int,
) -> None:
    r"""Write a charter from the cards of all parties, in the order given.

    It is plain text: read it, change times and clauses by hand if you must,
    but before anyone signs. The channel's name gets 16 random characters, so
    that no two charters can have one name.

    For example:
      detente charter draft --name line.example.org/alfa-bravo --mode exercise \
          --title "Line between Alfa and Bravo" --card alfa.card --card bravo.card -o line.charter
    """
    found = [_read_card_file(path) for path in cards]
    parties = tuple(party for party, _ in found)
    made = Charter(
        mode=mode.upper(),
        channel=_channel_name(name),
        number=1,
        amends=None,
        title=title,
        languages=_languages(parties, languages, ()),
        catalogue=None,
        dictionary=DICTIONARY_DIGEST,
        scopes=SCOPES,
        never_suspended=NEVER_SUSPENDED,
        contact=Contact(_start(start), period_minutes * 60),
        acknowledge_s=ACKNOWLEDGE_S,
        release=RELEASE,
        quota=QUOTA,
        keys=KEYS,
        parties=parties,
        clauses=_clauses(clauses),
    )
    put_file(output, write_charter(made).encode(), new=True)
    with framed(made.mode):
        _say_drafted(output, made, found)


@click.command(cls=Act, short_help="Write the next number of a charter.")
@click.argument("file", type=FILE_PATH)
@click.option(
    "--card",
    "cards",
    type=FILE_PATH,
    multiple=True,
    metavar="FILE",
    help="New keys of a party (`detente card --for`), or a new party.",
)
@click.option("--title", help="Another title.")
@click.option("--no-clauses", is_flag=True, help="Drop the clauses so far; --clause adds new ones.")
@clause_options
def amend(
    *,
    file: Path,
    cards: tuple[Path, ...],
    title: str | None,
    no_clauses: bool,
    clauses: tuple[str, ...],
    languages: tuple[str, ...],
    output: Path,
) -> None:
    """Write an amendment of the charter in FILE: the next number of the same channel.

    Parties keep their place and their root; mode and channel stay. It needs the
    signatures of every principal again, and is signed and joined as the first.

    For example:
      detente charter amend line.charter --title "Line, second edition" -o line-2.charter
    """
    paper = get_paper(file)
    if paper.missing:
        raise LocalMisuse(
            f"{file} is not in force yet ({', '.join(paper.missing)} did not sign); draft it anew instead",
            rule="CHARTER-6",
        )
    found = [_read_card_file(path) for path in cards]
    old = paper.charter
    made = amended(
        paper,
        [party for party, _ in found],
        title=title or old.title,
        languages=_languages(tuple(party for party, _ in found), languages, old.languages),
        clauses=(() if no_clauses else old.clauses) + _clauses(clauses),
    )
    if (made.title, made.languages, made.clauses, made.parties) == (old.title, old.languages, old.clauses, old.parties):
        raise LocalMisuse("this would change nothing; give --card, --title, --clause, --no-clauses or --language")
    put_file(output, write_charter(made).encode(), new=True)
    with framed(made.mode):
        _say_drafted(output, made, found)


def _say_drafted(output: Path, made: Charter, cards: list[tuple[Party, str]]) -> None:
    say(f"Draft of charter number {made.number}, {made.mode}: {output}")
    say(f"Channel: {made.channel}")
    for party, digits in cards:
        say(f"  {party.id:<24} {party.role:<10} {digits}")
    say("Read the draft. Send it to every party; compare these fingerprints with them aloud before anyone signs.")


def _read_card_file(path: Path) -> tuple[Party, str]:
    octets = get_file(path, NOTE_OCTETS_MAX)
    try:
        return read_card(octets)
    except Malformed as fault:
        raise Malformed(f"{path}: {fault.text}", rule=fault.rule) from fault


def _channel_name(name: str) -> str:
    """CHARTER-1: the name with 80 random bits."""
    host, slash, prefix = name.partition("/")
    if not host or "/" in prefix or (slash and not prefix):
        raise LocalMisuse(
            f"--name is like line.example.org or line.example.org/alfa-bravo, not {name!r}", rule="CHARTER-1"
        )
    random = base64.b32encode(secrets.token_bytes(RANDOM_OCTETS)).decode().lower()
    return f"{host}/{prefix}-{random}" if prefix else f"{host}/{random}"


def _languages(parties: tuple[Party, ...], more: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the cards' names, and what was asked for, each once. Raises LocalMisuse."""
    for language in more:
        if not LANGUAGE.fullmatch(language):
            raise LocalMisuse(f"--language takes a code of two letters, for example en, not {language!r}")
    return tuple(dict.fromkeys([*before, *(language for party in parties for language in party.name), *more]))


def _clauses(values: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    """One clause gathers texts of different languages; a language that comes again begins the next clause."""
    found: list[dict[str, str]] = []
    for value in values:
        ((language, text),) = pairs([value], "--clause").items()
        if not found or language in found[-1]:
            found.append({})
        found[-1][language] = text
    return tuple(found)


def _start(text: str | None) -> Milliseconds:
    if text is None:
        return Milliseconds((int(time.time()) // 3_600 + 1) * 3_600_000)
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise LocalMisuse(f"--start is a UTC time like 2030-01-31T06:00:00Z, not {text!r}") from error
    return Milliseconds(int(moment.timestamp()) * 1_000)
