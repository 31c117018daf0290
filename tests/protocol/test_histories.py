"""Whatever happens to three stations, in any order: in the end they hold the same, and nobody stands accused.

They say things, lose links and get them back, crash, and are restored from older copies of their disks. What any other
station held is never lost, and a restored station goes on in a new book.
"""

from collections.abc import Mapping

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from detente.errors import LocalMisuse
from detente.formats.entry import Precedence
from detente.ids import Milliseconds, Ref, origin_of
from detente.protocol.events import TakeNote
from detente.testing.fakes import MemoryDisk
from detente.testing.line import Line
from tests.rules import lines

PARTIES = [party for party, _, _ in lines.THREE]
RESTORES_MAX = 3  # a station has notes for four books

parties = st.sampled_from(PARTIES)
pairs = st.lists(parties, min_size=2, max_size=2, unique=True)


class History(RuleBasedStateMachine):
    """One line, and what must be found on it in the end."""

    @initialize(met=st.booleans())
    def begin(self, met: bool) -> None:
        """Each party has notes for two more books. They have met already, or not yet."""
        self.line = Line(lines.THREE)
        self.said: set[Ref] = set()
        self.copies: dict[str, list[MemoryDisk]] = {party: [] for party in PARTIES}
        self.restores = dict.fromkeys(PARTIES, 0)
        for party, station in self.line.stations.items():
            for number in (3, 4):
                self.line.act_quietly(party, TakeNote(self.line.book_note(station, number)))
        if met:
            lines.connected(self.line)
        self._copy_disks()

    @rule(party=parties, to=parties, octets=st.sampled_from((5, 500, 20_000)), precedence=st.sampled_from(Precedence))
    def say(self, party: str, to: str, octets: int, precedence: Precedence) -> None:
        """One message, in parts if it is long; refused as long as the reader's key is not known."""
        try:
            self.said.add(self.line.say(party, "x" * octets, [to], precedence))
        except LocalMisuse as fault:
            if fault.rule != "EPOCH-4":
                raise

    @rule(pair=pairs)
    def connect(self, pair: list[str]) -> None:
        """A link, perhaps anew."""
        self.cut(pair)
        self.line.connect(*pair)

    @rule(pair=pairs)
    def cut(self, pair: list[str]) -> None:
        """A link that is lost with what it carries."""
        if frozenset(pair) in self.line.links:
            self.line.cut(*pair)

    @rule(milliseconds=st.sampled_from((1, 300, 3_000, 60_000)))
    def carry(self, milliseconds: int) -> None:
        """Every station sends once what it has to send."""
        self.line.now = Milliseconds(self.line.now + milliseconds)
        self.line._carry_once()
        self._copy_disks()

    @rule(party=parties)
    def crash(self, party: str) -> None:
        """What was in memory is gone."""
        for other in PARTIES:
            self.cut([party, other])
        self.line.stations[party].driver = None

    @rule(party=parties, age=st.integers(1, 6))
    def restore(self, party: str, age: int) -> None:
        """The disk is lost and an older copy put in its place. What nobody else held is lost with it."""
        if self.restores[party] == RESTORES_MAX:
            return
        self.restores[party] += 1
        self.crash(party)
        self.line.stations[party].disk = self.copies[party][-age:][0].copy()
        self.said = {ref for ref in self.said if any(ref.index in held for held in self._holders(ref))}

    def _copy_disks(self) -> None:
        """Never of the anchor, which lives elsewhere (STORE-3)."""
        for party, station in self.line.stations.items():
            self.copies[party].append(station.disk.copy())

    def _holders(self, ref: Ref) -> list[Mapping[int, object]]:
        origin = origin_of(self.line.channel, ref.party, ref.book)
        return [station.disk.entries.get(origin, {}) for station in self.line.stations.values()]

    def teardown(self) -> None:
        """All meet again, and hold the same."""
        if not hasattr(self, "line"):
            return
        for place, a in enumerate(PARTIES):
            for b in PARTIES[place + 1 :]:
                self.connect([a, b])
        self.line.settle(rounds=2_000)
        assert lines.accuses_nobody(self.line)
        books = [lines.channel(self.line, party).ledger.books.values() for party in PARTIES]
        held = [{book.origin: (book.size, book.root(book.size)) for book in one} for one in books]
        assert held[0] == held[1] == held[2]
        assert not any(book.fork for one in books for book in one)
        assert not any(lines.channel(self.line, party).writer.stopped for party in PARTIES)
        for ref in self.said:
            assert ref.index < held[0][origin_of(self.line.channel, ref.party, ref.book)][0], str(ref)


# a failing history is shortened for up to five minutes before it is shown
TestHistory = pytest.mark.timeout(400)(pytest.mark.slow(History.TestCase))
TestHistory.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
