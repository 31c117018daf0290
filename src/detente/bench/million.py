"""A station with a book of a million entries: how soon it opens, how soon a proof is cut, how much memory it takes.

The book is written through the turns of its own station, as `detente send` does while no station runs.
"""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from detente.bench.processes import resident_mib
from detente.bench.texts import texts
from detente.demo.stage import PASSPHRASE, Stage
from detente.errors import invariant
from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.ids import Origin, PartyId, origin_of
from detente.limits import TURN_ACTS_MAX
from detente.protocol.events import Say
from detente.station.anchor import JournalAnchor
from detente.station.driver import Driver, FromOffice
from detente.station.home import Home
from detente.station.runtime import now_ms
from detente.stores.sqlite import SqliteStore
from detente.tlog.proof import inclusion_proof, verify_inclusion

PARTY = PartyId("alfa")
PROOFS = 100


@dataclass(frozen=True, slots=True)
class Million:
    """Milliseconds to open the books (private keys apart) and to cut one inclusion proof; MiB of the running station."""

    open_ms: float
    proof_ms: float
    rss_mib: float


def measure_million(folder: Path, entries: int, tell: Callable[[float], None]) -> Million:
    """Write, then open anew and measure. `tell` is called with the part that is written, up to 1."""
    stage = Stage(folder)
    for party in (PARTY, "bravo"):
        stage.make_station(party, "principal", party.title())
    stage.found("line", "A long line", [f"{PARTY}:principal", "bravo:principal"])
    home = stage.homes[PARTY]
    channel = stage.channels["line"]
    _write(home, channel, entries, tell)
    open_ms, proof_ms = _open(home, origin_of(channel, PARTY, 1))
    stage.start(PARTY)
    try:
        stage.wait_running(PARTY)
        return Million(open_ms, proof_ms, resident_mib(stage.process_id(PARTY)))
    finally:
        stage.stop_all()


def _write(home: Home, channel: str, entries: int, tell: Callable[[float], None]) -> None:
    driver = home.open_driver(PASSPHRASE)
    said = texts(TURN_ACTS_MAX, 1)
    for start in range(0, entries, TURN_ACTS_MAX):
        acts = [
            # sealed for our own side only: no other station is needed, and the book looks the same
            FromOffice(channel, Say(Content("message", (PartyId("bravo"),), text=text), Precedence.ROUTINE, (PARTY,)))
            for text in said[: entries - start]
        ]
        for _, fault in driver.take_turn(acts, now_ms()).refused:
            raise fault
        tell(min(1.0, (start + TURN_ACTS_MAX) / entries))
    driver.close()


def _open(home: Home, origin: Origin) -> tuple[float, float]:
    custody = home.open_custody(PASSPHRASE)
    began = time.perf_counter()
    store = SqliteStore.open(home.store_path)
    driver = Driver(store, JournalAnchor(home.anchor_path), custody, PARTY, home.config.station)
    open_ms = (time.perf_counter() - began) * 1_000
    (channel,) = driver.channels.values()
    book = channel.ledger.books[origin]
    read = partial(store.hashes, origin)
    root = book.root(book.size)
    times = []
    for _ in range(PROOFS):
        index = random.randrange(book.size)
        (leaf,) = read(0, index, index + 1)
        began = time.perf_counter()
        proof = inclusion_proof(read, index, book.size)
        times.append((time.perf_counter() - began) * 1_000)
        invariant(verify_inclusion(leaf, index, book.size, root, proof), f"the proof of entry {index} does not verify")
    driver.close()
    return open_ms, statistics.quantiles(times, n=100)[98]
