"""The stage: one HOME and one process for each party, joined by real TLS on loopback, through wires that can be cut.

It keeps: everything is made and asked through the same doors as the command line; processes are ended by their own ids,
whatever happens.
"""

import base64
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from detente.errors import BearerFault, LocalMisuse
from detente.formats.charter import Charter, Contact, KeyRules, PerPrecedence, Quota, write_charter
from detente.formats.dictionary import DICTIONARY_DIGEST
from detente.ids import Milliseconds
from detente.station.backup import BackupMade, make_backup
from detente.station.config import Config, default_cosign, format_config
from detente.station.home import Home
from detente.station.local import ask, is_running
from detente.station.papers import amended, book_notes, charter_path, make_card, read_card, read_paper, sign_paper
from detente.station.recovery import Restored, restore
from detente.station.runtime import now_ms

PASSPHRASE = b"exercise"  # of stations that hold nothing but an exercise
BACKUP_PASSPHRASE = b"exercise backup"
START_SECONDS_MAX = 20.0
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class Wire:
    """A TCP line from a port of its own to another, which can be cut and mended: the stations see a real cut."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._open = True
        self._ends: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection and let none through."""
        self._open = False
        for end in list(self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self._open = True

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if not self._open:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target_port))
            except OSError:
                near.close()
                continue
            self._ends |= {near, far}
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65_536):
                sink.sendall(octets)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Stage:
    """All stations of a scenario below one folder."""

    make_wire = Wire

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.homes: dict[str, Home] = {}
        self.channels: dict[str, str] = {}  # key in the scenario -> channel name
        self.passphrase_file = folder / "passphrase"
        self._ports: dict[str, int] = {}
        self._reserved: dict[str, socket.socket] = {}  # keeps a port from others until its station starts
        self._wires: dict[tuple[str, str], Wire] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.passphrase_file.write_bytes(PASSPHRASE + b"\n")
        self.passphrase_file.chmod(0o600)

    # --- founding

    def make_station(self, party: str, role: str, name: str) -> None:
        """`detente init`."""
        address = f"127.0.0.1:{self._reserve_port(party)}"
        config = Config(
            party, role, {"en": name}, "hq", default_cosign(role), (f"tls://{address}",), (address,),
            passphrase_file=str(self.passphrase_file),
        )  # fmt: skip
        self.homes[party] = Home.create(self.folder / party, config, PASSPHRASE, int(time.time()))

    def _reserve_port(self, party: str) -> int:
        """A free port, kept until the station starts."""
        self._reserved[party] = socket.create_server(("127.0.0.1", 0))
        self._ports[party] = self._reserved[party].getsockname()[1]
        return self._ports[party]

    def found(self, key: str, title: str, parties: list[str]) -> None:
        """Cards, `detente charter draft`, `sign` by each, `join` by each."""
        cards = []
        for item in parties:
            party, role = item.split(":")
            home = self.homes[party]
            home.config = replace(home.config, role=role, cosign=default_cosign(role))
            path = make_card(home, home.open_custody(PASSPHRASE), role)
            cards.append(read_card(path.read_bytes())[0])
        name = f"{key}.example/{''.join(secrets.choice(LETTERS) for _ in range(16))}"
        self.channels[key] = name
        charter = Charter(
            mode="EXERCISE", channel=name, number=1, amends=None, title=title, languages=("en",), catalogue=None,
            dictionary=DICTIONARY_DIGEST, scopes=("talks",), never_suspended=("stop", "distress", "check-in"),
            contact=Contact(Milliseconds(now_ms() // 1000 * 1000), 3_600),
            acknowledge_s=PerPrecedence(300, 1_800, 14_400, 86_400), release=PerPrecedence(1, 1, 1, 1),
            quota=Quota(100_000, 1_000_000_000), keys=KeyRules(90, 7), parties=tuple(cards), clauses=(),
        )  # fmt: skip
        octets = self._signed(charter)
        for card in cards:
            home = self.homes[card.id]
            driver = home.open_driver(PASSPHRASE)
            try:
                driver.found([octets, *book_notes(home, name)], now_ms())
            finally:
                driver.close()
            home.write(charter_path(home, name, 1), octets)

    def amend(self, key: str, clause: str) -> int:
        """The next number of a charter: drafted, signed by all, brought to each running station. The new number."""
        name = self.channels[key]
        first = next(iter(self.homes.values()))
        number = 1
        while charter_path(first, name, number + 1).exists():
            number += 1
        paper = read_paper(charter_path(first, name, number).read_bytes())
        charter = amended(paper, [], clauses=(*paper.charter.clauses, {"en": clause}))
        octets = self._signed(charter)
        for party in charter.parties:
            self.ask(party.id, "take_note", channel=name, octets=base64.b64encode(octets).decode())
            self.homes[party.id].write(charter_path(self.homes[party.id], name, charter.number), octets)
        return charter.number

    def _signed(self, charter: Charter) -> bytes:
        paper = read_paper(write_charter(charter).encode())
        octets = b""
        for party in charter.parties:
            home = self.homes[party.id]
            octets = sign_paper(home, home.open_custody(PASSPHRASE), paper)
            paper = read_paper(octets)
        return octets

    # --- wires

    def lay_wires(self) -> None:
        """Let each station reach each other one through a wire of its own."""
        for a, home in self.homes.items():
            dial = {}
            for b in self.homes:
                if a != b:
                    wire = self._wires[a, b] = self.make_wire(self._ports[b])
                    dial[f"{b}/hq"] = f"127.0.0.1:{wire.port}"
            home.config = replace(home.config, dial=dial)
            home.write(home.path / "config.toml", format_config(home.config).encode())

    def cut(self, a: str, b: str) -> None:
        """Cut the direct line between two stations."""
        self._wires[a, b].cut()
        self._wires[b, a].cut()

    def mend(self, a: str, b: str) -> None:
        """Mend it."""
        self._wires[a, b].mend()
        self._wires[b, a].mend()

    # --- processes

    def start(self, party: str) -> None:
        """`detente run`, as a process of its own."""
        home = self.homes[party]
        if party in self._reserved:
            self._reserved.pop(party).close()
        with (self.folder / f"{party}.log").open("ab") as log:
            self._processes[party] = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "detente", "run", str(home.path), "--passphrase-file", str(self.passphrase_file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    def wait_running(self, party: str) -> None:
        """Until its local socket answers. Raises BearerFault if it does not."""
        self.until(lambda: is_running(self.homes[party]), f"the station of {party} answers", START_SECONDS_MAX)

    def kill(self, party: str) -> None:
        """kill -9 of that process."""
        process = self._processes.pop(party)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop_all(self) -> None:
        """End every process that was started here, by its id; returns when all have ended."""
        for reserved in self._reserved.values():
            reserved.close()
        self._reserved.clear()
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def process_id(self, party: str) -> int:
        """The process of a station that was started here."""
        return self._processes[party].pid

    def port(self, party: str) -> int:
        """The TCP port on which its station listens."""
        return self._ports[party]

    def backup(self, party: str) -> BackupMade:
        """`detente backup` beside the running station."""
        return make_backup(self.homes[party], self._backup_path(party), BACKUP_PASSPHRASE, now_ms())

    def restore(self, party: str) -> Restored:
        """`detente restore`; its station must be down."""
        return restore(self._backup_path(party), self.homes[party].path, BACKUP_PASSPHRASE)

    def _backup_path(self, party: str) -> Path:
        return self.folder / f"{party}.backup.age"

    # --- asking

    def ask(self, party: str, operation: str, **arguments: object) -> dict[str, Any]:
        """One operation of a station, running or not."""
        return ask(self.homes[party], operation, dict(arguments), lambda: PASSPHRASE)

    @staticmethod
    def until(holds: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
        """Look again and again until it holds. Raises BearerFault naming what did not come true."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise BearerFault(f"after {seconds:.0f} s it is still not so that {what}")
            time.sleep(0.05)


def require_empty(folder: Path) -> None:
    """Raise LocalMisuse unless the folder is new or empty: the demo never writes over anything."""
    if folder.exists() and any(folder.iterdir()):
        raise LocalMisuse(f"{folder} is not empty; give the demo a new folder")
