"""When things go wrong, and before: `backup`, `restore`, `doctor`.

Its law: it is said what a backup does not hold, what a restored station will do next, and what is still missing; nothing
is called safe that was not read back.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from detente.cli.files import FILE_PATH, HOME_PATH
from detente.cli.passphrases import backup_passphrase, backup_passphrase_option, passphrase_of, passphrase_option
from detente.cli.speech import Act, say, say_json, show_time, warn
from detente.records.marks import marked_text
from detente.station import recovery
from detente.station.backup import make_backup
from detente.station.doctor import BAD, WELL, Finding, examine
from detente.station.home import Home
from detente.station.prospects import Prospect
from detente.station.recovery import Restored
from detente.station.runtime import now_ms
from detente.station.store_check import Progress as Told

FINDINGS_EXIT_STATUS = 3
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.command(cls=Act, short_help="Make an encrypted backup and verify it.")
@click.argument("home", type=HOME_PATH)
@click.option("-o", "output", type=FILE_PATH, required=True, metavar="FILE", help="Where to put it; a new file.")
@backup_passphrase_option
@_json
def backup(home: Path, output: Path, backup_passphrase_file: Path | None, as_json: bool) -> None:
    """Write a backup of the station in HOME, also while it runs.

    FILE holds the books, charters, notes, cards and settings, encrypted with a
    passphrase of its own (the age format: `age -d FILE` opens it as well). It
    is read back, decrypted and verified before it gets its name.

    Not in it, on purpose: the private keys and epoch secrets, and the anchor. A
    stolen backup signs nothing and opens no sealed text. Keep apart, once and
    after every amendment: the folder HOME/keys and its passphrase. The backup's
    passphrase is another one: whoever keeps backups needs no keys.
    """
    opened = Home.open(home)
    passphrase = backup_passphrase(output, backup_passphrase_file, new=True)
    with _progress(as_json, "verifying entries") as told:
        made = make_backup(opened, output, passphrase, now_ms(), told)
    entries = sum(book.size for book in made.books)
    if as_json:
        books = [{"origin": b.origin, "ours": b.ours, "size": b.size, "root": b.root.hex()} for b in made.books]
        say_json({"file": str(made.path), "octets": made.octets, "at": made.at_ms, "entries": entries, "books": books})
        return
    say(f"Backup: {made.path}, {made.octets:,} octets.")
    say(f"Read back, decrypted and verified: {entries:,} entries in {len(made.books)} books, up to their signed heads.")
    say(f"Not in it: {opened.keys_path} (keep a copy apart, with its passphrase) and the anchor, {opened.anchor_path}.")
    say("Take the file to another place. An older backup than this one is never better.")


@click.command(cls=Act, short_help="Put a backup back into a HOME.")
@click.argument("file", type=FILE_PATH)
@click.argument("home", type=HOME_PATH)
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="For a new HOME: the folder of keys that was kept apart. It is copied.",
)
@click.option(
    "--begun",
    type=click.IntRange(1, 64),
    default=None,
    metavar="N",
    help="Where the anchor is lost: the highest book of ours that the others hold (ask them).",
)
@backup_passphrase_option
@_json
def restore(
    *,
    file: Path,
    home: Path,
    keys: Path | None,
    begun: int | None,
    backup_passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Put the store of the backup FILE into HOME, after verifying all of it.

    What HOME has stays: keys, anchor, settings, papers. The old store is moved
    aside, never deleted. With --keys FOLDER a new HOME is made. The station of
    HOME must not run.

    Books that are older than what was told are never written again: if the
    anchor knows more than the store, or is missing, the station opens its next
    book by the note that was signed ahead, without waiting for anybody. What
    was told since the backup comes back from the others by itself.

    If the anchor is lost and the keys come from an old copy, nothing here tells
    which books were begun since. Ask the others (`detente status` shows them)
    and say it: --begun N. Those books are passed over.
    """
    passphrase = backup_passphrase(file, backup_passphrase_file, new=False)
    with _progress(as_json, "verifying entries") as told:
        done = recovery.restore(file, home, passphrase, keys, told, begun or 0)
    if as_json:
        say_json({"home": str(home.absolute()), "aside": str(done.aside) if done.aside else None, **_object(done)})
        return
    _say_verified(file, done)
    say(f"Restored into {home.absolute()}.")
    if done.aside:
        say(f"The store that was there lies in {done.aside}.")
    if done.kept:
        say(f"From the backup, for they were missing: {', '.join(done.kept)}.")
    _say_next(done, home)


@click.command(cls=Act, short_help="Look over a station, or rehearse a restore.")
@click.argument("home", type=HOME_PATH)
@click.option(
    "--restore-drill",
    "drill_file",
    type=FILE_PATH,
    metavar="FILE",
    help="Rehearse restoring this backup; HOME stays as it is.",
)
@passphrase_option
@backup_passphrase_option
@_json
def doctor(
    home: Path,
    drill_file: Path | None,
    passphrase_file: Path | None,
    backup_passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Look over the station of HOME, also while it runs, and say what to do.

    With --restore-drill FILE: restore that backup into a folder of its own,
    verify everything, and tell what a real restore would do: which book would
    open next, by which note, and what is missing. No private key is used.

    Exit status 0: well, or to be looked at soon. 3: something is bad.
    """
    opened = Home.open(home)
    if drill_file is not None:
        passphrase = backup_passphrase(drill_file, backup_passphrase_file, new=False)
        with _progress(as_json, "verifying entries") as told:
            done = recovery.drill(drill_file, opened, passphrase, told)
        if as_json:
            say_json({"drill": True, **_object(done)})
        else:
            _say_verified(drill_file, done)
            say("This was a drill: nothing in HOME was changed, and no key was used. A real restore would do this:")
            _say_next(done, home)
        sys.exit(FINDINGS_EXIT_STATUS if any(_is_stuck(one) for one in done.prospects) else 0)
    with _progress(as_json, "verifying entries") as told:
        found = examine(opened, passphrase_of(opened, passphrase_file), now_ms(), told)
    bad = any(one.state == BAD for one in found)
    if as_json:
        checks = [{"what": one.what, "state": one.state, "saw": one.saw, "todo": one.todo} for one in found]
        say_json({"well": not bad, "checks": checks})
    else:
        for one in found:
            _say_finding(one)
    if bad:
        sys.exit(FINDINGS_EXIT_STATUS)


def _say_finding(finding: Finding) -> None:
    color = {WELL: "green", BAD: "red"}.get(finding.state, "yellow")
    click.secho(f"{finding.state:<5}", fg=color, nl=False)
    say(f"{finding.what}: {marked_text(finding.saw)}")
    if finding.todo:
        say(f"       -> {finding.todo}")


def _say_verified(file: Path, done: Restored) -> None:
    manifest = done.manifest
    entries = sum(book.size for book in done.books)
    say(f"{file}: backup of {manifest['party']}/{manifest['station']}, {show_time(manifest['at'], now_ms())}.")
    say(f"Decrypted and verified: {entries:,} entries in {len(done.books)} books, up to their signed heads.")


def _say_next(done: Restored, home: Path) -> None:
    if not done.has_anchor:
        warn(
            "there is no anchor: what was told since this backup is not known here. If there is a newer backup, use that"
        )
    for one in done.prospects:
        say(f"\n{one.channel} ({one.mode})")
        for line in _next_of(one, home):
            say(f"  {line}")
    for channel in done.lost:
        say(f"\n{channel}: this backup is from before it was joined. Join it again; the next book opens:")
        say(f"  detente charter join {home} CHARTER...   (copies lie in {home / 'charters'})")
    say(f"\nStart the station: detente run {home}; then make a new backup.")


def _next_of(one: Prospect, home: Path) -> Iterator[str]:
    if not one.why_stopped:
        yield f"Book {one.book} holds all that was told from it ({one.size} entries) and is written on."
        return
    yield f"Book {one.book} is never written again: {marked_text(one.why_stopped)}."
    if one.lost_books:
        yield f"Passed over, for they were begun: {', '.join(one.lost_books)}. Their entries come back from the others."
    if one.missing:
        yield f"{one.missing} entries of it were told and are not in this store; the others send them back."
    if one.opens:
        yield f"Book {one.next_book} opens at the next start, by its note signed ahead; {one.ready - 1} more lie ready."
    elif one.note_at_hand:
        yield f"Its note is here, but the private key of book {one.next_book} is not: bring keys/ back."
    else:
        yield f"There is no signed note of book {one.next_book}. With the root key at hand, make more:"
        yield f"  detente charter sign {home} CHARTER"


def _is_stuck(one: Prospect) -> bool:
    return bool(one.why_stopped) and not one.opens


def _object(done: Restored) -> dict[str, Any]:
    return {
        "backup": {key: done.manifest[key] for key in ("party", "station", "at", "program")},
        "entries": sum(book.size for book in done.books),
        "anchor": done.has_anchor,
        "join_again": done.lost,
        "kept": list(done.kept),
        "channels": [
            {
                "channel": one.channel,
                "book": one.book,
                "size": one.size,
                "told": one.told,
                "missing": one.missing,
                "stopped": one.why_stopped,
                "next_book": one.next_book if one.why_stopped else None,
                "opens": one.opens,
                "passed_over": list(one.lost_books),
                "ready": one.ready,
            }
            for one in done.prospects
        ],
    }


@contextmanager
def _progress(as_json: bool, what: str) -> Iterator[Told]:
    """A bar on standard error, only at a terminal."""
    console = Console(file=sys.stderr)
    if as_json or not console.is_terminal:
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
