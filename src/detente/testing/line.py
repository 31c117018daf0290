"""Stations in memory, joined by a wire that a test moves by hand: the smallest real line.

Everything but disk and network is the real thing: drivers, keys, charters, sealing. Time and chance are arguments, so a
line with one seed is the same line every time.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from detente.contracts import Anchor, Store
from detente.crypto.certificates import make_certificate
from detente.crypto.hashing import sha256
from detente.crypto.signing import SigningKey
from detente.crypto.wrapping import WrapKey
from detente.formats.book_note import BookNote, write_book_note
from detente.formats.card import Party, Station
from detente.formats.charter import Charter, Contact, KeyRules, PerPrecedence, Quota, write_charter
from detente.formats.content import Content
from detente.formats.dictionary import DICTIONARY
from detente.formats.entry import Precedence
from detente.ids import Milliseconds, PartyId, Ref, origin_of
from detente.protocol.events import Event, Say
from detente.station.driver import Driver, FromLink, FromOffice, Outcome
from detente.testing.fakes import MemoryAnchor, MemoryDisk, MemoryJournal, MemoryStore
from detente.tlog.note import Note, format_note, sign_note
from detente.tlog.vkeys import COSIGNATURE, ED25519, verifier_key

START = Milliseconds(1_770_282_000_000)  # 5 February 2026, 09:00 UTC
ROOM_OCTETS = 1_000_000


def seeded(seed: str) -> Callable[[int], bytes]:
    """Chance that is the same for one seed: SHA-256 in counter mode."""
    count = 0

    def entropy(octets: int) -> bytes:
        nonlocal count
        found = b""
        while len(found) < octets:
            found += hashlib.sha256(f"{seed} {count}".encode()).digest()
            count += 1
        return found[:octets]

    return entropy


class MemoryKeyring:
    """A `protocol.shelf.Keyring` in a dictionary. It outlives a station's crash, as a directory of keys does."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self.entropy = entropy
        self._signing: dict[tuple[str, bytes], SigningKey] = {}
        self._wrapping: dict[bytes, WrapKey] = {}
        self._secrets: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()

    def new_signing_key(self, kind: str) -> SigningKey:
        """A fresh key, kept."""
        key = SigningKey.from_seed(self.entropy(32))
        self._signing[kind, key.public] = key
        return key

    def signing_key(self, kind: str, public: bytes) -> SigningKey | None:
        """See Keyring."""
        return self._signing.get((kind, public))

    def mark_used(self, public: bytes) -> None:
        """See Keyring."""
        self._used.add(public)

    def is_used(self, public: bytes) -> bool:
        """See Keyring."""
        return public in self._used

    def new_wrap_key(self) -> WrapKey:
        """See Keyring."""
        key = WrapKey.from_seed(self.entropy(96))
        self._wrapping[sha256(key.public)] = key
        return key

    def wrap_key(self, digest: bytes) -> WrapKey | None:
        """See Keyring."""
        return self._wrapping.get(digest)

    def keep_secret(self, check: bytes, secret: bytes) -> None:
        """See Keyring."""
        self._secrets[check] = secret

    def secret(self, check: bytes) -> bytes | None:
        """See Keyring."""
        return self._secrets.get(check)


@dataclass
class MemoryStation:
    """One party's station with its disk, journal and keys; `driver` is what a crash loses."""

    party: PartyId
    role: str
    keyring: MemoryKeyring
    root: SigningKey
    certificate: bytes
    card: Party
    disk: MemoryDisk = field(default_factory=MemoryDisk)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    driver: Driver | None = None
    open_store: Callable[[MemoryDisk], Store] = MemoryStore
    open_anchor: Callable[[MemoryJournal], Anchor] = MemoryAnchor

    @property
    def link_name(self) -> str:
        """What the others' links call it."""
        return sha256(self.certificate).hex()

    def start(self) -> Driver:
        """Open the station from its disk, as after a crash."""
        store, anchor = self.open_store(self.disk), self.open_anchor(self.journal)
        self.driver = Driver(store, anchor, self.keyring, self.party, self.card.stations[0].id)
        return self.driver

    @property
    def running(self) -> Driver:
        """The driver; starts it if need be."""
        return self.driver or self.start()


def make_station(party: str, role: str, statement: str, seed: str) -> MemoryStation:
    """A station with fresh keys and its card."""
    entropy = seeded(f"{seed} {party}")
    keyring = MemoryKeyring(entropy)
    root = keyring.new_signing_key("root")
    cosigner = keyring.new_signing_key("cosigner")
    tls = entropy(32)
    certificate = make_certificate(tls, party, START // 1000 - 86_400, START // 1000 + 864_000_000, len(party) + 1)
    cosigner_key = verifier_key(f"{party}.invalid/holds", COSIGNATURE, cosigner.public) if statement != "none" else None
    station = Station(id="hq", statement=statement, cosigner=cosigner_key, pq=None, tls=certificate, bearers=())
    card = Party(
        id=PartyId(party),
        role=role,
        name={"en": party.upper()},
        root=verifier_key(f"{party}.invalid/root", ED25519, root.public),
        stations=(station,),
    )
    return MemoryStation(PartyId(party), role, keyring, root, certificate, card)


def make_charter(stations: Sequence[MemoryStation], name: str, number: int = 1, amends: bytes | None = None) -> Charter:
    """A charter of these stations with ordinary values."""
    return Charter(
        mode="EXERCISE",
        channel=name,
        number=number,
        amends=amends,
        title="A line for tests",
        languages=("en",),
        catalogue=None,
        dictionary=sha256(DICTIONARY),
        scopes=("talks",),
        never_suspended=("stop", "distress"),
        contact=Contact(START, 3_600),
        acknowledge_s=PerPrecedence(300, 1_800, 7_200, 86_400),
        release=PerPrecedence(1, 1, 1, 1),
        quota=Quota(100_000, 1_000_000_000),
        keys=KeyRules(365, 30),
        parties=tuple(station.card for station in stations),
        clauses=(),
    )


class Line:
    """Stations of one channel and the links between them. `settle` carries frames until nobody has more to say."""

    def __init__(self, parties: Sequence[tuple[str, str, str]], seed: str = "line", books: int = 2) -> None:
        self.now = START
        self.channel = f"{seed.split(maxsplit=1)[0]}.example/abcdefghijklmnop"
        self.stations = {party: make_station(party, role, statement, seed) for party, role, statement in parties}
        self.links: set[frozenset[str]] = set()
        self.carried: list[tuple[str, str, int]] = []
        self.charter_value = make_charter(list(self.stations.values()), self.channel)
        text = write_charter(self.charter_value)
        roots = [station for station in self.stations.values() if station.role == "principal"]
        self.charter = format_note(Note(text, tuple(sign_note(text, s.root, s.card.root.name) for s in roots)))
        for station in self.stations.values():
            notes = [self.book_note(station, number) for number in range(1, books + 1)]
            station.running.found([self.charter, *notes], self.now)

    def book_note(self, station: MemoryStation, number: int) -> bytes:
        """A signed note for one book of a station; its key is in the station's keyring."""
        key = station.keyring.new_signing_key("book")
        origin = origin_of(self.channel, station.party, number)
        text = write_book_note(
            BookNote(self.channel, station.party, number, "hq", verifier_key(origin, ED25519, key.public))
        )
        return format_note(Note(text, (sign_note(text, station.root, station.card.root.name),)))

    def say(self, party: str, text: str, to: Sequence[str], precedence: Precedence = Precedence.ROUTINE) -> Ref:
        """One message from a party; committed, not carried yet."""
        addressees = tuple(PartyId(one) for one in to)
        content = Content(form="message", to=addressees, text=text, lang="en")
        return self.act(party, Say(content, precedence, addressees))

    def act(self, party: str, event: Event) -> Ref:
        """One act of a party that writes an entry; the first one written. Raises the Fault that refused it."""
        return self.act_quietly(party, event)[0]

    def act_quietly(self, party: str, event: Event) -> list[Ref]:
        """One act of a party, and what it wrote, perhaps nothing. Raises the Fault that refused it."""
        act = FromOffice(self.channel, event)
        outcome = self.stations[party].running.take_turn([act], self.now)
        for _, fault in outcome.refused:
            raise fault
        return outcome.done[0][1]

    def connect(self, a: str, b: str) -> None:
        """Open a link between two stations."""
        self.links.add(frozenset((a, b)))
        self._turn(a, [FromLink(self.stations[b].link_name)])
        self._turn(b, [FromLink(self.stations[a].link_name)])

    def cut(self, a: str, b: str) -> None:
        """Lose the link; what was under way is lost with it."""
        self.links.discard(frozenset((a, b)))
        self._turn(a, [FromLink(self.stations[b].link_name, gone=True)])
        self._turn(b, [FromLink(self.stations[a].link_name, gone=True)])

    def settle(self, rounds: int = 200, step_ms: int = 250) -> None:
        """Carry frames and let time pass until nothing moves any more. Raises the Fault of any refused frame."""
        quiet = 0
        for _ in range(rounds):
            self.now = Milliseconds(self.now + step_ms)
            moved = self._carry_once()
            quiet = 0 if moved else quiet + 1
            if quiet > 3:
                return
        raise AssertionError("the line does not come to rest")

    def _carry_once(self) -> bool:
        moved = False
        for pair in sorted(self.links, key=sorted):
            for a, b in (sorted(pair), sorted(pair, reverse=True)):
                frames = self.stations[a].running.frames_for(self.stations[b].link_name, self.now, ROOM_OCTETS)
                if frames:
                    moved = True
                    self.carried.extend((a, b, len(octets)) for octets in frames)
                    self._turn(b, [FromLink(self.stations[a].link_name, octets) for octets in frames])
        for party in self.stations:
            self._turn(party, [])
        return moved

    def _turn(self, party: str, inputs: list[FromLink]) -> Outcome:
        outcome = self.stations[party].running.take_turn(inputs, self.now)
        for _, fault in outcome.refused:
            raise fault
        return outcome
