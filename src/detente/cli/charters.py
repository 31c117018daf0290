"""`detente charter`: drafting, showing, signing, joining and amending the text that all parties of a channel sign.

Its law: nobody signs what was not shown; a file gains a signature whole or not at all; joining needs every signature.
"""

import base64
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from detente.cli.charter_views import paper_object, say_findings, say_paper
from detente.cli.files import FILE_PATH, HOME_PATH, get_file, get_paper, put_file
from detente.cli.passphrases import passphrase_of, passphrase_option
from detente.cli.speech import Acts, framed, pairs, say, say_json
from detente.errors import LocalMisuse, Malformed
from detente.formats.card import Party
from detente.formats.charter import Charter, Contact, KeyRules, PerPrecedence, Quota, write_charter
from detente.formats.dictionary import DICTIONARY_DIGEST
from detente.formats.toml_note import LANGUAGE
from detente.ids import Milliseconds
from detente.limits import NOTE_OCTETS_MAX
from detente.station.home import Home
from detente.station.local import ask, is_running
from detente.station.papers import Paper, amended, book_notes, charter_path, check_signable, read_card, sign_paper
from detente.station.runtime import now_ms
from detente.tlog.note import format_note

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


@click.group(cls=Acts, short_help="The text that all parties sign: draft, show, sign, join, amend.")
def charter() -> None:
    """The charter: who the parties are, with which keys, and what they agreed.

    The way to a line:
      1. each party:  detente init           and sends its card
      2. one of them: detente charter draft  from all cards, and sends the draft
      3. all:         compare the cards' fingerprints aloud on a call
      4. each party:  detente charter sign   the file goes from one to the next
      5. each party:  detente charter join   with the file that all have signed
    """


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


@charter.command(short_help="Write a draft from the parties' cards.")
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


@charter.command(short_help="Write the next number of a charter.")
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


@charter.command(short_help="Show a charter to people.")
@click.argument("file", type=FILE_PATH)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def show(*, file: Path, as_json: bool) -> None:
    """Show the charter in FILE: parties, fingerprints of their cards, stations, terms, and who has signed."""
    paper = get_paper(file)
    if as_json:
        say_json(paper_object(paper))
        return
    with framed(paper.charter.mode):
        say_paper(paper, now_ms())


@charter.command(short_help="Check a charter and its signatures.")
@click.argument("files", type=FILE_PATH, nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def verify(*, files: tuple[Path, ...], as_json: bool) -> None:
    """Check charters: their text, every signature, and that they form one chain from number 1.

    Exit status 0: in force. 3: there are findings, which are printed.
    """
    say_findings(files, as_json=as_json)


@charter.command(short_help="Show a charter, then sign it with our root key.")
@click.argument("home", type=HOME_PATH)
@click.argument("file", type=FILE_PATH)
@click.option("--yes", is_flag=True, help="For scripts: do not ask. The fingerprints were compared elsewhere.")
@passphrase_option
def sign(*, home: Path, file: Path, yes: bool, passphrase_file: Path | None) -> None:
    """Sign the charter in FILE for the party of HOME; the signature is added to FILE.

    Shows the whole charter first. Before you confirm, read the fingerprints
    aloud with the other parties on a call: the fingerprint of each card must
    be the one that its party reads. You confirm with the charter's mode:
    EXERCISE or REAL. A root signs one charter of each number, for ever.
    The keys and notes of your next books are made as well, and kept in HOME.
    """
    opened = Home.open(home)
    paper = get_paper(file)
    us = check_signable(opened, paper)
    mode = paper.charter.mode
    with framed(mode):
        say_paper(paper, now_ms())
        if us.id in paper.signed_by and charter_path(opened, paper.charter).exists():
            say(f"\n{us.id} has signed this charter already; nothing was changed.")
        else:
            if not yes:
                _confirm(mode)
            with opened.lock("detente charter sign"):
                octets = sign_paper(opened, opened.open_custody(passphrase_of(opened, passphrase_file)()), paper)
            put_file(file, octets)
            say(f"\nSigned by {us.id}: {file}. Book notes are kept in {opened.notes_path}.")
        _say_next(opened, file, get_paper(file))


@charter.command(short_help="Bring a charter that all have signed into our station.")
@click.argument("home", type=HOME_PATH)
@click.argument("files", type=FILE_PATH, nargs=-1, required=True, metavar="FILE...")
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def join(*, home: Path, files: tuple[Path, ...], passphrase_file: Path | None, as_json: bool) -> None:
    """Join the channel of the charter in FILE: the station of HOME keeps it and opens its first book.

    Every principal must have signed. An amendment is joined in the same way,
    also while the station runs. A party that an amendment has added joins with
    all charters of the channel, number 1 first.
    """
    opened = Home.open(home)
    papers = sorted((get_paper(path) for path in files), key=lambda paper: paper.charter.number)
    for paper in papers:
        if paper.missing:
            raise LocalMisuse(
                f"charter number {paper.charter.number} is not in force: the signature of {', '.join(paper.missing)} "
                "is missing; they sign it with `detente charter sign`",
                rule="CHARTER-5",
            )
    newest = papers[-1].charter
    passphrase = passphrase_of(opened, passphrase_file)
    _bring(opened, papers, passphrase)
    for paper in papers:
        opened.write(charter_path(opened, paper.charter), format_note(paper.note))
    running = is_running(opened)
    if as_json:
        say_json({"channel": newest.channel, "mode": newest.mode, "charter": newest.number, "running": running})
        return
    with framed(newest.mode):
        say(f"Joined {newest.channel} ({newest.mode}), charter number {newest.number}.")
        if not running:
            say(f"Start the station: detente run {opened.path}")
        say(f"See the line:      detente status {opened.path}")


def _bring(home: Home, papers: list[Paper], passphrase: Callable[[], bytes]) -> None:
    """Give charters to the station: the running one, or its HOME."""
    channel = papers[-1].charter.channel
    notes = [format_note(paper.note) for paper in papers]
    if papers[0].charter.number > 1:
        for octets in notes:
            ask(home, "take_note", {"channel": channel, "octets": base64.b64encode(octets).decode()}, passphrase)
        return
    own_notes = book_notes(home, channel)
    with home.lock("detente charter join"):
        driver = home.open_driver(passphrase())
        try:
            driver.found([*notes, *own_notes], now_ms())
        finally:
            driver.close()


def _confirm(mode: str) -> None:
    answer = click.prompt(
        f"\nIf every fingerprint is the one that its party read aloud, type {mode} to sign",
        default="",
        show_default=False,
    )
    if answer.strip() != mode:
        raise LocalMisuse(f"not signed: you did not type {mode}")


def _say_next(home: Home, file: Path, paper: Paper) -> None:
    if paper.missing:
        say(f"Still to sign: {', '.join(paper.missing)}. Send them {file}.")
    else:
        say(f"Every principal has signed. All parties join with this file: detente charter join {home.path} {file}")


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
