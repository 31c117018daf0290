"""A line in memory on which any one write of any station fails: of its store, its anchor or its keys.

It keeps: the stations are the real ones of `testing.line`; a station whose turn failed is opened anew from what its
disk, journal and keys hold, as the runtime does, and its links are lost and made again. What it notes down: what was
told, and every head that left a station.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from detente.crypto.wrapping import WrapKey
from detente.errors import Fault, StoreFault, StoreFull
from detente.ids import Origin, Ref
from detente.protocol.effects import AnchorRecord
from detente.protocol.events import Event
from detente.station.driver import Driver, FromLink, FromOffice, Input
from detente.station.driver import Outcome as Told
from detente.testing.fakes import FaultyStore, MemoryAnchor, MemoryJournal, MemoryStore, Outcome
from detente.testing.line import Line, MemoryKeyring, MemoryStation

KINDS = ("store", "anchor", "keys")


class Plan(Mapping[int, Outcome]):
    """Which write of the whole line fails, and how. Every write of every station counts, from 1."""

    def __init__(self, faults: Mapping[int, Outcome]) -> None:
        self.kinds: list[str] = []  # of each write so far
        self._faults = faults
        self._counts = True

    def next(self, kind: str) -> Outcome | None:
        """How the write that comes now ends; None if it goes well."""
        if not self._counts:
            return None
        self.kinds.append(kind)
        return self._faults.get(len(self.kinds))

    def pause(self) -> None:
        """Let the writes from here on go well, and count none."""
        self._counts = False

    def go_on(self) -> None:
        """Count again."""
        self._counts = True

    # What FaultyStore asks, which counts for itself and begins anew when it is opened anew.

    def get(self, number: int, default: object = None) -> Outcome | None:  # type: ignore[override]
        """See `next`."""
        del number, default
        return self.next("store")

    def __getitem__(self, number: int) -> Outcome:
        raise KeyError(number)

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return len(self._faults)


def write(plan: Plan, kind: str, keep: Callable[[], None]) -> None:
    """One write that is not the store's. Raises StoreFault, StoreFull."""
    outcome = plan.next(kind)
    if outcome is Outcome.FULL:
        raise StoreFull(f"injected: no room for the {kind}; nothing was written")
    if outcome is not Outcome.NOT_KEPT:
        keep()
    if outcome is not None:
        raise StoreFault(f"injected: it is not known whether the {kind} kept this")


class FailingAnchor(MemoryAnchor):
    """An anchor whose records fail as the plan says."""

    def __init__(self, journal: MemoryJournal, plan: Plan) -> None:
        super().__init__(journal)
        self._plan = plan

    def record(self, records: list[AnchorRecord]) -> None:
        """See `contracts.Anchor.record`."""
        keep = super().record
        write(self._plan, "anchor", lambda: keep(records))


class FailingKeyring(MemoryKeyring):
    """Keys whose keeping fails as the plan says, with what another keyring holds."""

    def __init__(self, keys: MemoryKeyring, plan: Plan) -> None:
        self.__dict__ = keys.__dict__  # one and the same medium
        self._keys = keys
        self._plan = plan

    def new_wrap_key(self) -> WrapKey:
        """See Keyring."""
        made: list[WrapKey] = []
        write(self._plan, "keys", lambda: made.append(self._keys.new_wrap_key()))
        return made[0]

    def keep_secret(self, check: bytes, secret: bytes) -> None:
        """See Keyring."""
        write(self._plan, "keys", lambda: self._keys.keep_secret(check, secret))


class FailingLine(Line):
    """A Line whose writes fail as `plan` says."""

    def __init__(self, parties: Sequence[tuple[str, str, str]], plan: Plan) -> None:
        self.plan = plan
        self.told: dict[Ref, str] = {}
        self.refused: list[Fault] = []
        self.left: dict[tuple[Origin, int], bytes] = {}  # roots of heads that left a station
        self.shown: dict[tuple[str, Origin, str], int] = {}  # sizes of receipts that a station could show
        plan.pause()
        super().__init__(parties, "faults")
        plan.go_on()
        for station in self.stations.values():
            station.driver = None
        for station in self.stations.values():
            self.open(station)

    def open(self, station: MemoryStation) -> Driver:
        """Open a station from its media until it can be opened, as the runtime does."""
        while station.driver is None:
            try:
                station.driver = Driver(
                    FaultyStore(MemoryStore(station.disk), self.plan),
                    FailingAnchor(station.journal, self.plan),
                    FailingKeyring(station.keyring, self.plan),
                    station.party,
                    "hq",
                )
            except StoreFault as fault:
                self.refused.append(fault)
        self._look(station)
        return station.driver

    def try_act(self, party: str, event: Event, text: str = "") -> Ref | None:
        """One act; its first entry if it was told, None if it was refused or its turn failed."""
        done = self._take(party, [FromOffice(self.channel, event)]).done
        if not done:
            return None
        (ref, *_) = done[0][1]
        if text:
            self.told[ref] = text
        return ref

    def _turn(self, party: str, inputs: list[FromLink]) -> Told:
        return self._take(party, inputs)

    def _take(self, party: str, inputs: Sequence[Input]) -> Told:
        station = self.stations[party]
        try:
            outcome = self.open(station).take_turn(inputs, self.now)
        except StoreFault as why:
            self.refused.append(why)
            self._crash(party)
            return Told()
        for source, fault in outcome.refused:
            if isinstance(source, FromLink):
                raise fault
            self.refused.append(fault)
        self._look(station)
        return outcome

    def _crash(self, party: str) -> None:
        """The driver is dead: nothing of its turn is told, its links end and are made again."""
        self.stations[party].driver = None
        self.open(self.stations[party])
        for pair in [pair for pair in self.links if party in pair]:
            (other,) = pair - {party}
            self.cut(party, other)
            self.connect(party, other)

    def _carry_once(self) -> bool:
        for station in self.stations.values():
            for book in self.open(station).channels[self.channel].ledger.books.values():
                if book.head is not None:
                    root = self.left.setdefault((book.origin, book.head.size), book.head.root)
                    assert root == book.head.root, f"two histories of {book.origin} at {book.head.size}"
        return super()._carry_once()

    def _look(self, station: MemoryStation) -> None:
        """What the station could show now may not be less than before."""
        assert station.driver is not None
        for channel in station.driver.channels.values():
            for book in channel.ledger.books.values():
                for name, receipt in book.receipts.items():
                    place = station.party, book.origin, name
                    assert receipt.size >= self.shown.get(place, 0), f"{place} went down to {receipt.size}"
                    self.shown[place] = receipt.size
