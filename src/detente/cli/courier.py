"""`detente courier out` and `in`: the line carried by hand, in a file on a stick.

Its law: a file is durable before anything in it is called sent; whoever reads one in is told what was in it, what was new,
and how far it was whole. A frame that cannot be used is named with its place, and the rest is still tried.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from detente.bearers.courier import Piece, frame_octets, new_courier, read_courier
from detente.cli.files import FILE_PATH, HOME_PATH
from detente.cli.online import channel_option
from detente.cli.passphrases import passphrase_of, passphrase_option
from detente.cli.speech import Act, Acts, framed, say, say_json, warn
from detente.errors import Fault, LocalMisuse, Malformed
from detente.formats.frame import Entries, EntryItem, Hello, ReceiptFrame, decode_frame
from detente.station.home import Home
from detente.station.local import ask_each
from detente.station.papers import mode_of
from detente.stores.files import disk_faults

FRAMES_AHEAD = 32  # given to the station before its first answer: up to 2 MiB
REFUSALS_SHOWN_MAX = 20

Request = tuple[str, dict[str, Any]]


@click.group(cls=Acts, short_help="Carry the line by hand: write and read courier files.")
def courier() -> None:
    """Carry the line by hand: in a file, in any order, twice, weeks late."""


# --- out


@courier.command(cls=Act, name="out", short_help="Write a file for another station.")
@click.argument("home", type=HOME_PATH)
@click.argument("file", type=FILE_PATH)
@click.option("--to", required=True, metavar="PARTY[/STATION]", help="The station that is to read the file.")
@channel_option
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def out(home: Path, file: Path, to: str, channel: str, passphrase_file: Path | None, *, as_json: bool) -> None:
    r"""Write into FILE everything that the station --to is not proved to hold.

    All channels shared with it, or one. Each file holds everything since the
    last proof, so files may be lost, swapped, read twice or weeks late. What is
    in it is sealed and signed as on any line; whoever carries it can lose it,
    and see that something was said, when and how much. Works with and without
    a running station.

    For example:
      detente courier out ~/alfa /media/stick/alfa-12.courier --to bravo
    """
    opened = Home.open(home)
    file = file.absolute()
    if not file.parent.is_dir() or file.is_dir():
        raise LocalMisuse(f"{file} cannot be a file; give the name of a file in a folder that exists")
    packing = _Packing(to, channel)
    with disk_faults(file):
        for answer in ask_each(opened, packing.requests(file), passphrase_of(opened, passphrase_file), ahead=1):
            if isinstance(answer, Fault):
                raise answer
            packing.answer = answer
    totals = packing.totals
    octets = file.stat().st_size
    if as_json:
        say_json({"file": str(file), "octets": octets, "to": to, "channels": totals})
        return
    for total in totals:
        with framed(mode_of(opened, total["channel"])):
            say(f"{total['channel']}: {total['entries']} entries and {total['receipts']} receipts for {to}.")
    say(f"{file}: {octets:,} octets, durable. Its entries count as sent. There: detente courier in HOME {file.name}")


class _Packing:
    """Asks for one piece after the other; the answer to each lies in `answer` when the next is asked for."""

    def __init__(self, to: str, channel: str) -> None:
        self.answer: dict[str, Any] = {}
        self.totals: list[dict[str, Any]] = []
        self._to = to
        self._channel = channel

    def requests(self, path: Path) -> Iterator[Request]:
        """What to ask a station. The file is whole before the last ones."""
        yield "courier_plan", {"to": [self._to], "channel": self._channel or None}
        plans = self.answer["channels"]
        with new_courier(path) as file, _progress() as progress:
            bar = progress.add_task("entries", total=sum(b["stop"] - b["start"] for p in plans for b in p["books"]))
            for plan in plans:
                total = {"channel": plan["channel"], "entries": 0, "receipts": 0}
                self.totals.append(total)
                _write(file, plan["frames"], total)
                plan["sizes"] = {}
                for book in plan["books"]:
                    at = book["start"]
                    while at < book["stop"]:
                        yield "courier_frames", {"channel": plan["channel"], "origin": book["origin"], "start": at}
                        _write(file, self.answer["frames"], total)
                        progress.advance(bar, self.answer["next"] - at)
                        at = self.answer["next"]
                    plan["sizes"][book["origin"]] = at
        for plan in plans:
            yield "courier_handed", {"channel": plan["channel"], "to": [self._to], "sizes": plan["sizes"]}


def _write(file: BinaryIO, frames: list[str], total: dict[str, Any]) -> None:
    for text in frames:
        octets = base64.b64decode(text)
        file.write(frame_octets(octets))
        frame = decode_frame(octets)
        if isinstance(frame, Entries):
            total["entries"] += sum(isinstance(item, EntryItem) for item in frame.items)
        total["receipts"] += isinstance(frame, ReceiptFrame)


# --- in


@courier.command(cls=Act, name="in", short_help="Read a file of another station.")
@click.argument("home", type=HOME_PATH)
@click.argument("file", type=FILE_PATH)
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def in_(home: Path, file: Path, passphrase_file: Path | None, *, as_json: bool) -> None:
    r"""Read FILE into the books of HOME.

    It does not matter who wrote or carried it: what is in it proves itself by
    signatures, or is refused. The same file again, or an older one, changes
    nothing. Works with and without a running station. Exit status 3 if
    something in it was damaged; everything else is taken all the same.

    For example:
      detente courier in ~/bravo /media/stick/alfa-12.courier
    """
    opened = Home.open(home)
    reading = _Reading()
    try:
        with file.open("rb") as stream, _progress() as progress:
            bar = progress.add_task("octets", total=file.stat().st_size)
            requests = reading.requests(stream, str(file))
            for answer in ask_each(opened, requests, passphrase_of(opened, passphrase_file), FRAMES_AHEAD):
                progress.update(bar, completed=reading.take(answer))
    except OSError as error:
        raise LocalMisuse(f"{file} cannot be read: {error.strerror}") from error
    if as_json:
        say_json(reading.report(file))
    else:
        _say_read(opened, reading, file)
    if reading.refused or reading.broken:
        raise click.exceptions.Exit(Malformed.exit_status)


@dataclass(slots=True)
class _Counts:
    entries_new: int = 0
    entries_known: int = 0
    receipts_new: int = 0
    receipts_known: int = 0


@dataclass(slots=True)
class _Reading:
    """Frame after frame, and what came of each."""

    counts: dict[str, _Counts] = field(default_factory=dict)  # by channel
    refused: list[tuple[int, int, Fault]] = field(default_factory=list)  # number, end, why
    strange: int = 0  # frames of channels that are not joined here
    broken: Fault | None = None
    end: int = 0
    _asked: list[tuple[Piece, str, Any]] = field(default_factory=list)

    def requests(self, stream: BinaryIO, name: str) -> Iterator[Request]:
        """One request for each frame that can be tried."""
        channels: dict[int, str] = {}
        pieces = read_courier(stream, name)
        while True:
            try:
                piece = next(pieces, None)
            except Malformed as fault:
                self.broken = fault
                return
            if piece is None:
                return
            try:
                frame = decode_frame(piece.octets)
            except Malformed as fault:
                self.refused.append((piece.number, piece.end, fault))
                continue
            if isinstance(frame, Hello):
                channels[frame.handle] = frame.channel
            channel = channels.get(frame.handle)
            if channel is None:
                nameless = Malformed("a frame of a channel that no HELLO before it names", rule="FRAME-1")
                self.refused.append((piece.number, piece.end, nameless))
                continue
            self._asked.append((piece, channel, frame))
            yield "courier_frame", {"channel": channel, "octets": base64.b64encode(piece.octets).decode()}

    def take(self, answer: dict[str, Any] | Fault) -> int:
        """The answer to the oldest request; how far the file is read."""
        piece, channel, frame = self._asked.pop(0)
        self.end = piece.end
        if isinstance(answer, LocalMisuse):  # not a channel of this station
            self.strange += 1
        elif isinstance(answer, Fault):
            self.refused.append((piece.number, piece.end, answer))
        else:
            counts = self.counts.setdefault(channel, _Counts())
            new = len(answer["entries"])
            if isinstance(frame, Entries):
                items = sum(isinstance(item, EntryItem) for item in frame.items)
                counts.entries_new += new
                counts.entries_known += items - new
            elif isinstance(frame, ReceiptFrame):
                counts.receipts_new += new
                counts.receipts_known += 1 - new
        return piece.end

    def report(self, file: Path) -> dict[str, Any]:
        """For programs."""
        return {
            "file": str(file),
            "octets_read": self.end,
            "channels": [
                {
                    "channel": channel,
                    "entries_new": counts.entries_new,
                    "entries_known": counts.entries_known,
                    "receipts_new": counts.receipts_new,
                    "receipts_known": counts.receipts_known,
                }
                for channel, counts in self.counts.items()
            ],
            "frames_of_other_channels": self.strange,
            "refused": [
                {"frame": number, "ends_at": end, "why": fault.text, "rule": fault.rule}
                for number, end, fault in sorted(self.refused, key=lambda one: one[0])
            ],
            "broken_off": str(self.broken) if self.broken else None,
        }


def _say_read(home: Home, reading: _Reading, file: Path) -> None:
    for channel, counts in reading.counts.items():
        with framed(mode_of(home, channel)):
            say(
                f"{channel}: {counts.entries_new} entries new, {counts.entries_known} known already; "
                f"{counts.receipts_new} receipts new, {counts.receipts_known} known already or of no use here."
            )
    if reading.strange:
        warn(f"{reading.strange} frames are of channels that this station has not joined; they were passed over")
    for number, end, fault in reading.refused[:REFUSALS_SHOWN_MAX]:
        warn(f"frame {number}, which ends at octet {end}, was refused: {fault}")
    if len(reading.refused) > REFUSALS_SHOWN_MAX:
        warn(f"and {len(reading.refused) - REFUSALS_SHOWN_MAX} more; --json names all")
    if reading.broken:
        warn(str(reading.broken))
    else:
        say(f"{file} was read to its end.")


def _progress() -> Progress:
    """A bar, where somebody looks at a terminal."""
    terminal = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)
