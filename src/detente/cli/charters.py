"""`detente charter`: showing, checking, signing and joining the text that all parties of a channel sign.

Its law: nobody signs what was not shown; a file gains a signature whole or not at all; joining needs every signature.
"""

import base64
from collections.abc import Callable
from pathlib import Path

import click

from detente.cli import drafting
from detente.cli.charter_views import paper_object, say_findings, say_paper
from detente.cli.files import FILE_PATH, HOME_PATH, get_paper, put_file
from detente.cli.passphrases import passphrase_of, passphrase_option
from detente.cli.speech import Acts, framed, say, say_json
from detente.errors import LocalMisuse
from detente.station.home import Home
from detente.station.local import ask, is_running
from detente.station.papers import (
    Paper,
    book_notes,
    books_to_sign,
    charter_path,
    check_signable,
    sign_more_books,
    sign_paper,
)
from detente.station.runtime import now_ms
from detente.tlog.note import format_note


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


charter.add_command(drafting.draft)
charter.add_command(drafting.amend)


@charter.command(short_help="Show a charter to people.")
@click.argument("file", type=FILE_PATH)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def show(*, file: Path, as_json: bool) -> None:
    """Show the charter in FILE: parties, fingerprints, stations, terms, who has signed."""
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
    The keys and notes of your next books are made as well, and kept in HOME;
    again for a charter that you have signed, when too few lie ready.
    """
    opened = Home.open(home)
    paper = get_paper(file)
    us = check_signable(opened, paper)
    mode = paper.charter.mode
    with framed(mode):
        say_paper(paper, now_ms())
        if us.id in paper.signed_by and charter_path(opened, paper.charter.channel, paper.charter.number).exists():
            say(f"\n{us.id} has signed this charter already; it is left as it is.")
            _sign_more_books(opened, paper, passphrase_of(opened, passphrase_file))
        else:
            if not yes:
                _confirm(mode)
            with opened.lock_papers("detente charter sign"):
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
        opened.write(charter_path(opened, paper.charter.channel, paper.charter.number), format_note(paper.note))
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
    number = papers[0].charter.number
    if number > 1:
        if not charter_path(home, channel, number - 1).exists():
            raise LocalMisuse(
                f"this station has not joined {channel} with charter number {number - 1}; give all charters of the channel "
                f"from number 1 on",
                rule="CHARTER-6",
            )
        for octets in notes:
            ask(home, "take_note", {"channel": channel, "octets": base64.b64encode(octets).decode()}, passphrase)
        return
    own_notes = book_notes(home, channel)
    with home.lock("detente charter join"):
        driver = home.open_driver(passphrase())
        try:
            # A join that was broken off after its commit is finished here: what is missing are copies for people.
            if channel not in driver.channels or charter_path(home, channel, number).exists():
                driver.found([*notes, *own_notes], now_ms())
        finally:
            driver.close()


def _sign_more_books(home: Home, paper: Paper, passphrase: Callable[[], bytes]) -> None:
    """Notes of further books, if too few lie ready; handed to the station if it has joined."""
    if not books_to_sign(home, paper.charter.channel):
        return
    with home.lock_papers("detente charter sign"):
        notes = sign_more_books(home, home.open_custody(passphrase()), paper)
    channel = paper.charter.channel
    if channel in [one["channel"] for one in ask(home, "status", {}, passphrase)["channels"]]:
        for octets in notes:
            ask(home, "take_note", {"channel": channel, "octets": base64.b64encode(octets).decode()}, passphrase)
    say(f"{len(notes)} book notes are made and kept in {home.notes_path}.")


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
