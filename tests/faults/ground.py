"""Where faults are tried: stations in processes of their own, made once and copied, on wires that do harm when told to.

It keeps: what a test takes for told is what a station said through its own doors, and what it looks at in the end is
what lies in the stores.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from detente.demo.stage import PASSPHRASE, Stage, Wire
from detente.errors import StoreFault
from detente.ids import Origin
from detente.station.config import format_config
from detente.station.home import Home
from detente.station.local import ask_many
from detente.stores.sqlite import SqliteStore
from detente.tlog.tree import root_at

KEY = "line"
WAIT_SECONDS_MAX = 45.0  # for what stations do by themselves; a busy machine takes its time
PAIR = ("alfa:principal", "bravo:principal")
THREE = (*PAIR, "meridian:mediator")


def message(to: str, text: str, precedence: str = "routine") -> tuple[str, dict[str, Any]]:
    """The request that `detente send` makes."""
    return "send", {"to": [to], "precedence": precedence, "text": text, "exercise": True}


class BadWire(Wire):
    """A wire that can swallow what it takes, one way or both, or turn over one bit; the kernels at its ends see no cut."""

    def __init__(self, target_port: int) -> None:
        self.swallows_calls = False  # what the dialling side says
        self.swallows_answers = False  # what the dialled side says
        self.bits_to_flip = 0
        super().__init__(target_port)

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:  # type: ignore[override]
        with suppress(OSError):
            calls = source.getsockname()[1] == self.port
            while octets := source.recv(65_536):
                if self.swallows_calls if calls else self.swallows_answers:
                    continue
                if self.bits_to_flip:
                    self.bits_to_flip -= 1
                    octets = octets[:-1] + bytes([octets[-1] ^ 1])
                sink.sendall(octets)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Ground(Stage):
    """Stations that share the one channel KEY."""

    make_wire = BadWire

    def make(self, parties: Iterable[str]) -> "Ground":
        """HOMEs and the charter, joined by all. `parties`: `id:role`."""
        for party in parties:
            name, role = party.split(":")
            self.make_station(name, role, f"Party {name.title()}")
        self.found(KEY, "Line for faults", list(parties))
        self.stop_all()  # these HOMEs are only copied: their ports are free again
        return self

    def copy_to(self, folder: Path, elsewhere: dict[str, Path] | None = None) -> "Ground":
        """The same HOMEs in another folder, or `elsewhere`; they listen at other ports and dial through fresh wires."""
        copy = Ground(folder)
        copy.channels = dict(self.channels)
        for party, home in self.homes.items():
            path = (elsewhere or {}).get(party, folder / party)
            shutil.copytree(home.path, path)
            config = replace(
                home.config,
                listen=(f"127.0.0.1:{copy._reserve_port(party)}",),
                passphrase_file=str(copy.passphrase_file),
            )
            copy.homes[party] = Home(path, config)
        copy.lay_wires()
        return copy

    def wire(self, a: str, b: str) -> BadWire:
        """The wire that `a` dials to reach `b`."""
        wire = self._wires[a, b]
        assert isinstance(wire, BadWire)
        return wire

    def configure(self, party: str, **changes: object) -> None:
        """Change config.toml."""
        home = self.homes[party]
        home.config = replace(home.config, **changes)  # type: ignore[arg-type]
        home.write(home.path / "config.toml", format_config(home.config).encode())

    # --- processes

    def run(self, *parties: str) -> "Ground":
        """Start stations and wait until their sockets answer."""
        for party in parties or self.homes:
            self.start(party)
        for party in parties or self.homes:
            self.wait_running(party)
        return self

    def signal(self, party: str, number: int) -> None:
        """Send a signal to a station's process."""
        self._processes[party].send_signal(number)

    def is_alive(self, party: str) -> bool:
        """Whether a station's process has not ended."""
        return self._processes[party].poll() is None

    def status(self, party: str) -> int | None:
        """The exit status of a station's process; None while it lives."""
        return self._processes[party].poll()

    def said(self, party: str) -> str:
        """What a station has written at its terminal."""
        return (self.folder / f"{party}.log").read_text()

    # --- asking

    def ask_all(self, party: str, requests: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        """Several operations ahead of their answers."""
        return ask_many(self.homes[party], requests, lambda: PASSPHRASE)

    def send(self, party: str, to: str, text: str, precedence: str = "routine") -> str:
        """`detente send`; the record number that it prints."""
        _, arguments = message(to, text, precedence)
        (ref,) = self.ask(party, "send", **arguments)["entries"]
        return str(ref)

    def log(self, party: str) -> dict[str, dict[str, Any]]:
        """`detente log`, by record number."""
        return {entry["ref"]: entry for entry in self.ask(party, "log")["entries"]}

    def texts(self, party: str) -> dict[str, str]:
        """The messages that a station shows, by record number."""
        return {ref: entry["text"] for ref, entry in self.log(party).items() if entry["form"] == "message"}

    def rung(self, party: str, ref: str) -> str:
        """How far an entry has come at its first addressee."""
        return str(self.log(party)[ref]["ladder"][0]["rung"])

    def books(self, party: str) -> dict[str, dict[str, Any]]:
        """The books that `detente status` shows, by origin."""
        (channel,) = self.ask(party, "status")["channels"]
        return {book["origin"]: book for book in channel["books"]}

    def links(self, party: str) -> dict[str, str]:
        """By party: whether the link to its station is up."""
        (channel,) = self.ask(party, "status")["channels"]
        return {station["party"]: station["link"] for station in channel["stations"]}

    def converged(self, *parties: str) -> bool:
        """Whether stations hold the same books and everything in them has every receipt that it can have."""
        shown = [self.books(party) for party in parties]
        sizes = [{origin: (book["size"], book["root"]) for origin, book in books.items()} for books in shown]
        if any(one != sizes[0] for one in sizes) or len(sizes[0]) < len(parties):
            return False
        for party, books in zip(parties, shown, strict=True):
            for book in books.values():
                held = {receipt["party"]: receipt["size"] for receipt in book["receipts"]}
                others = {one for one in parties if one != book["party"] and self.cosigns(one)}
                if book["party"] == party and any(held.get(one) != book["size"] for one in others):
                    return False
        return True

    def cosigns(self, party: str) -> bool:
        """Whether a party gives receipts."""
        return self.homes[party].config.cosign == "holds"

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """`until` with the patience of these tests."""
        self.until(holds, what, WAIT_SECONDS_MAX)

    def settle(self, *parties: str) -> None:
        """Wait until stations have converged; one that cannot answer yet is waited for."""

        def holds() -> bool:
            with suppress(StoreFault):
                return self.converged(*(parties or self.homes))
            return False

        self.wait(holds, "all hold the same")

    # --- what lies in the stores

    def roots(self, party: str, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
        """The root of each (origin, size) by the leaves in a party's store."""
        store = SqliteStore.open(self.homes[party].store_path, read_only=True)
        try:
            sizes = {str(book.origin): book.size for book in store.books()}
            found = {}
            for origin, size in places:
                assert size <= sizes[origin], (
                    f"{party} holds {sizes[origin]} entries of {origin}, but {size} were shown"
                )
                found[origin, size] = root_at(partial(store.hashes, Origin(origin)), size)
            return found
        finally:
            store.close()


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Processes that are started inside have these variables as well."""
    with patch.dict(os.environ, values):
        yield
