"""Several bearers between two stations, by the core alone: the best one carries, a FLASH goes by all, the next takes over."""

import random
import string
from collections.abc import Iterable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from detente.errors import Malformed
from detente.formats.entry import Precedence
from detente.formats.frame import BookState, Entries, Hello, ReceiptFrame, Subtree, decode_frame, encode_frame
from detente.ids import Milliseconds
from detente.protocol.events import RenewKeys
from detente.station.driver import FromLink, link_name
from detente.station.reading import log_of
from detente.testing.line import ROOM_OCTETS, Line
from tests.rules.lines import PAIR, accuses_nobody, book, channel, later, size, three

TLS, SERIAL = "tls", "serial:line-1"


class Bearers:
    """Two stations and any number of links between them; each link is carried, or held back, by itself."""

    def __init__(self) -> None:
        self.line = Line(PAIR)
        self.up: list[str] = []
        self.held_back: dict[str, list[tuple[str, bytes]]] = {}
        self.frames: list[tuple[str, str, bytes]] = []  # bearer, sender, octets

    def name(self, party: str, bearer: str) -> str:
        """The link to a party."""
        return link_name(self.line.stations[party].link_name, bearer)

    def connect(self, bearer: str) -> None:
        """Open a link."""
        self.up.append(bearer)
        for a, b in (("alfa", "bravo"), ("bravo", "alfa")):
            self.turn(a, [FromLink(self.name(b, bearer))])

    def cut(self, bearer: str) -> None:
        """Both notice that a link is gone."""
        self.up.remove(bearer)
        self.held_back.pop(bearer, None)
        for a, b in (("alfa", "bravo"), ("bravo", "alfa")):
            self.turn(a, [FromLink(self.name(b, bearer), gone=True)])

    def turn(self, party: str, inputs: Iterable[FromLink]) -> None:
        """One turn; no frame may be refused."""
        for _, fault in self.line.stations[party].running.take_turn(inputs, self.line.now).refused:
            raise fault

    def hold_back(self, bearer: str) -> None:
        """From now on this link looks open and brings nothing."""
        self.held_back[bearer] = []

    def let_go(self, bearer: str) -> None:
        """What was held back arrives."""
        for receiver, octets in self.held_back.pop(bearer):
            sender = "bravo" if receiver == "alfa" else "alfa"
            self.turn(receiver, [FromLink(self.name(sender, bearer), octets)])

    def settle(self) -> None:
        """Carry what may be carried until nobody has more to say."""
        quiet = 0
        while quiet < 4:
            self.line.now = Milliseconds(self.line.now + 250)
            ways = [(bearer, *way) for bearer in self.up for way in _WAYS]
            under_way = [(*way, self._frames(*way)) for way in ways]
            for bearer, sender, receiver, frames in under_way:
                self._carry(bearer, sender, receiver, frames)
            for party in self.line.stations:
                self.turn(party, [])
            quiet = 0 if any(frames for *_, frames in under_way) else quiet + 1

    def _frames(self, bearer: str, sender: str, receiver: str) -> list[bytes]:
        driver, link = self.line.stations[sender].running, self.name(receiver, bearer)
        frames = driver.frames_for(link, self.line.now, ROOM_OCTETS, urgent=True)
        return frames + driver.frames_for(link, self.line.now, ROOM_OCTETS)

    def _carry(self, bearer: str, sender: str, receiver: str, frames: list[bytes]) -> None:
        for octets in frames:
            self.frames.append((bearer, sender, octets))
            if bearer in self.held_back:
                self.held_back[bearer].append((receiver, octets))
            else:
                self.turn(receiver, [FromLink(self.name(sender, bearer), octets)])

    def say(self, text: str, precedence: Precedence = Precedence.ROUTINE) -> None:
        """One message of alfa."""
        self.line.say("alfa", text, ["bravo"], precedence)

    def carried(self, bearer: str, kind: type, sender: str = "alfa") -> list[object]:
        """The frames of a kind that went by a bearer."""
        frames = [decode_frame(octets) for by, who, octets in self.frames if (by, who) == (bearer, sender)]
        return [frame for frame in frames if isinstance(frame, kind)]

    def are_equal(self) -> bool:
        """Whether both hold everything, and each has the other's receipt for it."""
        held = [(size(self.line, holder, author), size(self.line, author, author)) for holder, author in _WAYS]
        return all(a == b for a, b in held)


_WAYS = (("alfa", "bravo"), ("bravo", "alfa"))


def both() -> Bearers:
    """TLS and serial, both open and at rest."""
    bearers = Bearers()
    for bearer in (TLS, SERIAL):
        bearers.connect(bearer)
    bearers.settle()
    bearers.frames.clear()
    return bearers


def test_the_best_link_carries_and_the_other_is_silent() -> None:
    """FRAME-12: routine entries, their receipts and everything else go once."""
    bearers = both()
    for number in range(5):
        bearers.say(f"routine {number}")
        bearers.settle()
    assert bearers.are_equal()
    assert {bearer for bearer, _, _ in bearers.frames} == {TLS}
    assert len(bearers.carried(TLS, ReceiptFrame, "bravo")) == 5


def test_a_flash_goes_by_every_link_and_is_taken_once() -> None:
    """FRAME-12, FRAME-8: and its receipt comes back by each link that brought it."""
    bearers = both()
    bearers.say("Check your fire, now.", Precedence.FLASH)
    bearers.settle()
    assert bearers.are_equal()
    for bearer in (TLS, SERIAL):
        assert len(bearers.carried(bearer, Entries)) == 1
        assert len(bearers.carried(bearer, ReceiptFrame, "bravo")) == 1
    bearers.settle()
    assert accuses_nobody(bearers.line)


def test_a_flash_arrives_although_the_best_link_is_dead_and_nobody_knows_yet() -> None:
    """FRAME-12: what was on its way by the dead link does not hold it up, and the receipt comes by the living one."""
    bearers = both()
    bearers.hold_back(TLS)
    for number in range(3):
        bearers.say(f"lost {number}")
        bearers.settle()
    bearers.say("Check your fire, now.", Precedence.FLASH)
    bearers.settle()
    line = bearers.line
    own = size(line, "alfa", "alfa")
    assert own - 1 in channel(line, "bravo").ledger.books[book(line, "alfa")].far_entries  # FRAME-7
    bearers.cut(TLS)
    bearers.settle()
    assert bearers.are_equal()
    assert channel(line, "alfa").ledger.books[book(line, "alfa")].receipts["bravo.invalid/holds"].size == own
    assert accuses_nobody(line)


def test_the_next_link_takes_over_and_gives_back() -> None:
    """FRAME-12: from what the other station is proved to hold; nothing is lost, little is said twice."""
    bearers = both()
    bearers.say("by the network")
    bearers.settle()
    bearers.cut(TLS)
    bearers.say("by the wire")
    bearers.settle()
    assert bearers.are_equal()
    assert [
        frame.start for frame in bearers.carried(SERIAL, Entries) if isinstance(frame, Entries) and frame.items
    ] == [3]
    bearers.connect(TLS)
    bearers.settle()
    bearers.frames.clear()
    bearers.say("by the network again")
    bearers.settle()
    assert bearers.are_equal()
    assert {bearer for bearer, _, _ in bearers.frames} == {TLS}


@settings(max_examples=60)
@example(["say", "say", "flash", *["send", "arrive"] * 3, "say", "flash"])  # one held above a gap joins
@given(st.lists(st.sampled_from(("say", "say", "send", "arrive", "flash", "answer")), min_size=4, max_size=40))
def test_a_flash_is_taken_wherever_the_frames_before_it_end(acts: list[str]) -> None:
    """FRAME-12: on a narrow link urgent frames overtake, so the tiling has a boundary wherever one on its way ends."""
    bearers = Bearers()
    bearers.connect(SERIAL)
    bearers.settle()
    line = bearers.line
    alfa, bravo = line.stations["alfa"].running, line.stations["bravo"].running
    link, back = bearers.name("bravo", SERIAL), bearers.name("alfa", SERIAL)
    under_way: list[bytes] = []
    chance = random.Random(len(acts))
    for number, act in enumerate(acts):
        if act == "say":
            bearers.say("".join(chance.choices(string.ascii_letters, k=10 if number % 4 == 3 else 4_900)))
        elif act == "send":
            under_way += alfa.frames_for(link, line.now, 1)
        elif act == "arrive" and under_way:
            bearers.turn("bravo", [FromLink(back, under_way.pop(0))])
        elif act == "answer":
            bearers.turn("alfa", [FromLink(link, one) for one in bravo.frames_for(back, line.now, 1)])
        elif act == "flash":
            bearers.say(f"flash {number}", Precedence.FLASH)
            for frame in alfa.frames_for(link, line.now, ROOM_OCTETS, urgent=True):
                bearers.turn("bravo", [FromLink(back, frame)])
            held = channel(line, "bravo").ledger.books[book(line, "alfa")]
            newest = size(line, "alfa", "alfa") - 1
            assert newest < held.size or newest in held.far_entries
            assert f"flash {number}" in texts(line, "bravo")
    bearers.turn("bravo", [FromLink(back, frame) for frame in under_way])
    bearers.settle()
    assert bearers.are_equal()
    assert bravo.store.findings() == alfa.store.findings() == []


def test_a_flash_brings_the_keys_to_read_it() -> None:
    """FRAME-12: read at once although its epoch began above the gap, also after a restart; the gap fills later."""
    bearers = Bearers()
    bearers.connect(SERIAL)
    bearers.settle()
    line = bearers.line
    alfa = line.stations["alfa"].running
    for _ in range(3):
        line.act_quietly("alfa", RenewKeys())
        bearers.say("on its way")
    late = alfa.frames_for(bearers.name("bravo", SERIAL), line.now, ROOM_OCTETS)
    bearers.say("before")
    line.act_quietly("alfa", RenewKeys())
    bearers.say("Check your fire, now.", Precedence.FLASH)
    (flash,) = alfa.frames_for(bearers.name("bravo", SERIAL), line.now, ROOM_OCTETS, urgent=True)
    bearers.turn("bravo", [FromLink(bearers.name("alfa", SERIAL), flash)])
    assert "Check your fire, now." in texts(line, "bravo")
    for party in line.stations:
        line.stations[party].start()
    assert "Check your fire, now." in texts(line, "bravo")
    assert late
    bearers.up.clear()
    bearers.connect(SERIAL)
    bearers.settle()
    assert bearers.are_equal()
    assert len(texts(line, "bravo")) == 5
    assert accuses_nobody(line)


def texts(line: Line, party: str) -> list[str]:
    """All messages that a party can read."""
    driver = line.stations[party].running
    entries = log_of(driver, driver.channels[line.channel])["entries"]
    return [one["text"] for one in entries if one["form"] == "message"]


def test_what_a_hostile_wire_claims_holds_nothing_back_on_another_link() -> None:
    """SERIAL-9, FRAME-2: HELLO on a line that proves nobody says where to resume on that line, and nothing more."""
    bearers = Bearers()
    bearers.connect(TLS)
    bearers.settle()
    bearers.connect(SERIAL)
    alfa = channel(bearers.line, "alfa")
    lie = Hello(0, bearers.line.channel, 1, 1, alfa.roster.newest.digest, (BookState(0, 1_000_000, 1_000_000),))
    bearers.turn("alfa", [FromLink(bearers.name("bravo", SERIAL), encode_frame(lie))])
    bearers.say("still said")
    bearers.settle()
    assert bearers.are_equal()


def test_a_liar_who_claims_most_is_not_the_only_one_who_is_asked() -> None:
    """FRAME-2, FRAME-10, SERIAL-9: what a third station holds arrives although a hostile wire claims to hold more."""
    line = three()
    line.cut("alfa", "bravo")
    wire = FromLink(link_name(line.stations["bravo"].link_name, SERIAL))
    alfa = line.stations["alfa"].running
    alfa.take_turn([wire], line.now)
    digest = channel(line, "alfa").roster.newest.digest
    lie = Hello(0, line.channel, 1, 1, digest, (BookState(1, 1_000_000, 1_000_000),))
    alfa.take_turn([FromLink(wire.link, encode_frame(lie))], line.now)
    later(line, 60_000)
    line.say("bravo", "by way of the mediator", ["alfa"])
    for _ in range(4):
        line.settle()
        later(line, 10_000)
    assert size(line, "alfa", "bravo") == size(line, "bravo", "bravo")


def test_frames_on_a_narrow_link_are_small() -> None:
    """FRAME-12: so that an ended meeting loses little; one large entry is a frame of its own."""
    bearers = Bearers()
    bearers.connect(SERIAL)
    bearers.settle()
    bearers.cut(SERIAL)
    for number in range(60):
        bearers.say(f"{number} " + "".join(chr(97 + (number * k * k) % 26) for k in range(900)))
    bearers.connect(SERIAL)
    bearers.settle()
    assert bearers.are_equal()
    assert max(len(octets) for _, _, octets in bearers.frames if decode_frame(octets).__class__ is Entries) < 6_144
    tiles = [item for frame in bearers.carried(SERIAL, Entries) if isinstance(frame, Entries) for item in frame.items]
    assert any(isinstance(tile, Subtree) for tile in tiles)


def test_a_frame_of_a_handle_that_another_link_gave_is_refused() -> None:
    """FRAME-1: each link has its own HELLOs."""
    bearers = Bearers()
    bearers.connect(TLS)
    bearers.settle()
    bearers.connect(SERIAL)
    receipt = ReceiptFrame(7, 0, 1, 1, 0, bytes(64))
    outcome = bearers.line.stations["alfa"].running.take_turn(
        [FromLink(bearers.name("bravo", SERIAL), encode_frame(receipt))], bearers.line.now
    )
    ((_, fault),) = outcome.refused
    assert isinstance(fault, Malformed)
