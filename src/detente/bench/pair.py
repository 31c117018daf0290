"""Two stations and a witness, each a process with a HOME of its own, joined by TLS on loopback; asked as people ask them.

Messages go in by the local socket of the running station. When a receipt is durable is read from the author's store beside it.
"""

import statistics
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from detente.bench import wire
from detente.bench.processes import cpu_seconds, resident_mib
from detente.bench.texts import texts
from detente.demo.stage import PASSPHRASE, Stage
from detente.errors import impossible
from detente.ids import Origin, origin_of, parse_ref
from detente.station.local import ask_many
from detente.stores.sqlite import SqliteStore

AUTHOR, READER, WITNESS = "alfa", "bravo", "clio"
LOOK_SECONDS = 0.000_05  # between two looks into the author's store for a receipt
GREETED_SECONDS = 1.5  # within this, stations have told each other what their books held at the start
ISOLATED_SECONDS = 0.1  # longer than TCP waits before it acknowledges
SETTLE_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Burst:
    """Many messages at once: how many a second up to the last receipt, IP octets and CPU seconds (both stations) of one."""

    messages_per_s: float
    ip_octets: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Single:
    """Messages one at a time, each from asking to its receipt: seconds of each, in order; IP octets of one."""

    seconds: list[float]
    ip_octets: float


class Pair:
    """The channel `line` joins author and reader; `watched` has the witness besides, whose station starts only to catch up."""

    def __init__(self, folder: Path) -> None:
        self._stage = Stage(folder)
        self._seed = 0
        for party in (AUTHOR, READER):
            self._stage.make_station(party, "principal", party.title())
        self._stage.make_station(WITNESS, "witness", WITNESS.title())
        principals = [f"{AUTHOR}:principal", f"{READER}:principal"]
        self._stage.found("line", "A line to measure", principals)
        self._stage.found("watched", "A watched line to measure", [*principals, f"{WITNESS}:witness"])
        self._store: SqliteStore | None = None

    def start(self) -> None:
        """Both principals run and have greeted each other on both channels."""
        for party in (AUTHOR, READER):
            self._stage.start(party)
        for party in (AUTHOR, READER):
            self._stage.wait_running(party)
        self._store = SqliteStore.open(self._stage.homes[AUTHOR].store_path, read_only=True)
        for key in ("line", "watched"):
            self._stage.until(partial(self._holds, self.store, self._origin(key, READER)), f"the channel {key} is up")
        time.sleep(GREETED_SECONDS)

    def stop(self) -> None:
        """End every process."""
        if self._store is not None:
            self._store.close()
        self._stage.stop_all()

    @property
    def store(self) -> SqliteStore:
        """The author's store, for looking."""
        if self._store is None:
            impossible("The pair was asked before it was started")
        return self._store

    # --- measuring

    def burst(self, count: int, key: str = "line") -> Burst:
        """Send `count` messages ahead of their answers, and wait for the receipt that covers the last."""
        requests = [self._request(key, text) for text in self._texts(count)]
        port = self._stage.port(READER), self._stage.port(AUTHOR)
        wired = [wire.sent(one) for one in port]
        cpu = self._cpu_s()
        began = time.perf_counter()
        answers = deque(ask_many(self._stage.homes[AUTHOR], requests, lambda: PASSPHRASE), maxlen=1)
        self._await_receipt(key, _index(answers[0]))
        seconds = time.perf_counter() - began
        cpu = self._settled_cpu_s() - cpu
        octets = sum(wire.ip_octets(before, wire.sent(one)) for one, before in zip(port, wired, strict=True))
        return Burst(count / seconds, octets / count, cpu / count)

    def single(self, count: int, pause_seconds: float = 0.0) -> Single:
        """One message after another: ask as a command does, wait for its receipt."""
        port = self._stage.port(READER), self._stage.port(AUTHOR)
        time.sleep(ISOLATED_SECONDS)
        wired = [wire.sent(one) for one in port]
        seconds = []
        for text in self._texts(count):
            began = time.perf_counter()
            answer = next(ask_many(self._stage.homes[AUTHOR], [self._request("line", text)], lambda: PASSPHRASE))
            self._await_receipt("line", _index(answer))
            seconds.append(time.perf_counter() - began)
            time.sleep(pause_seconds)
        octets = sum(wire.ip_octets(before, wire.sent(one)) for one, before in zip(port, wired, strict=True))
        return Single(seconds, octets / count)

    def catch_up(self, count: int) -> float:
        """Entries a second that a station verifies and stores which was away for `count` of them and opens no body."""
        self.burst(count, "watched")
        origin = self._origin("watched", AUTHOR)
        wanted = self._size(self.store, origin)
        self._stage.start(WITNESS)
        self._stage.wait_running(WITNESS)
        store = SqliteStore.open(self._stage.homes[WITNESS].store_path, read_only=True)
        while all(book.origin != origin for book in store.books()):  # its note precedes its entries
            time.sleep(LOOK_SECONDS)
        began = time.perf_counter()
        while self._size(store, origin) < wanted:
            time.sleep(LOOK_SECONDS)
        store.close()
        return wanted / (time.perf_counter() - began)

    def rss_mib(self) -> float:
        """The larger resident memory of the two stations, now."""
        return max(resident_mib(self._stage.process_id(party)) for party in (AUTHOR, READER))

    # --- inside

    def _texts(self, count: int) -> list[str]:
        self._seed += 1
        return texts(count, self._seed)

    def _request(self, key: str, text: str) -> tuple[str, dict[str, Any]]:
        arguments = {
            "channel": self._stage.channels[key], "to": [READER], "precedence": "routine", "text": text, "lang": "en",
            "exercise": True,
        }  # fmt: skip
        return "send", arguments

    def _origin(self, key: str, party: str) -> Origin:
        return origin_of(self._stage.channels[key], party, 1)

    def _await_receipt(self, key: str, index: int) -> None:
        origin = self._origin(key, AUTHOR)
        while not self.store.cosignatures(origin, index + 1):
            time.sleep(LOOK_SECONDS)

    def _holds(self, store: SqliteStore, origin: Origin) -> bool:
        return self._size(store, origin) > 0

    @staticmethod
    def _size(store: SqliteStore, origin: Origin) -> int:
        return next((book.size for book in store.books() if book.origin == origin), 0)

    def _cpu_s(self) -> float:
        return sum(cpu_seconds(self._stage.process_id(party)) for party in (AUTHOR, READER))

    def _settled_cpu_s(self) -> float:
        """CPU time when nothing is being done any more: what came is opened, too (SEAL-6)."""
        end = time.monotonic() + SETTLE_SECONDS_MAX
        before, now = -1.0, self._cpu_s()
        while now > before and time.monotonic() < end:
            time.sleep(0.3)
            before, now = now, self._cpu_s()
        return now


def percentile(values: list[float], percent: int) -> float:
    """The value below which so many of a hundred lie."""
    return statistics.quantiles(values, n=100)[percent - 1]


def _index(answer: dict[str, Any]) -> int:
    return parse_ref(answer["entries"][-1]).index
