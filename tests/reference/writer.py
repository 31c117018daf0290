"""A small line of two parties, written for the tests of what has no examples yet: books, heads, receipts, a bundle.

It shares the encoding with the reader, so it proves that the reader's checks bite, and nothing about the encoding.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.reference import books, padding, sealing
from tests.reference.books import Entry, Head, Seen
from tests.reference.checkpoints import Checkpoint, cosigned_message
from tests.reference.encoding import Encodable, encode, sha256
from tests.reference.keys import COSIGNER, ED25519, POST_QUANTUM, VerifierKey
from tests.reference.notes import Note, SignatureLine
from tests.reference.tree import Fold

CHANNEL = "reader.example/line-abcdefgh234567aa"
PARTIES = ("alfa", "bravo")
PERIODS = "flash = 1\nimmediate = 1\npriority = 1\nroutine = 1\n"


@dataclass
class Signer:
    """A key that signs notes, made from its name."""

    name: str
    kind: int

    @property
    def key(self) -> VerifierKey:
        """The verifier key."""
        seed = sha256(self.name.encode())
        if self.kind == POST_QUANTUM:
            public = MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()
        else:
            public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, self.kind, public)

    def sign(self, message: bytes) -> bytes:
        """Sign octets."""
        seed = sha256(self.name.encode())
        if self.kind == POST_QUANTUM:
            return MLDSA44PrivateKey.from_seed_bytes(seed).sign(message)
        return Ed25519PrivateKey.from_private_bytes(seed).sign(message)

    def line(self, text: bytes, timestamp: int = 0) -> SignatureLine:
        """Sign a text."""
        if self.kind == ED25519:
            return SignatureLine(self.name, self.key.key_id, self.sign(text))
        signature = self.sign(cosigned_message(self.key, timestamp, text))
        return SignatureLine(self.name, self.key.key_id, timestamp.to_bytes(8, "big") + signature)


def root(party: str) -> Signer:
    """Return the root of a party."""
    return Signer(f"reader.example/{party}", ED25519)


def cosigner(party: str, kind: int = COSIGNER) -> Signer:
    """Return a cosigner of a party."""
    return Signer(f"reader.example/{party}/{kind}", kind)


def book_key(party: str) -> Signer:
    """Return the key of a party's book."""
    return Signer(books.make_origin(CHANNEL, party, 1), ED25519)


def charter_text(number: int = 1, amends: str = "") -> bytes:
    """Write the text of a charter."""
    text = f'# Detente charter, format 1\nprotocol = 1\nmode = "REAL"\nchannel = "{CHANNEL}"\nnumber = {number}\n'
    text += f'amends = "{amends}"\ntitle = "A line"\nlanguages = ["en"]\ncatalogue = ""\ndictionary = ""\n'
    text += "scopes = []\nnever_suspended = []\n[contact]\nstart = 2030-01-01T00:00:00Z\nperiod_s = 1\n"
    text += f"[acknowledge_s]\n{PERIODS}[release]\n{PERIODS}[quota]\nentries_per_day = 1\noctets_per_day = 1\n"
    text += "[keys]\nmaximum_age_days = 1\npq_lag_days = 0\n"
    for party in PARTIES:
        certificate = base64.b64encode(b"\x30\x81\xff" + sha256(party.encode()) * 7 + bytes(31)).decode()
        text += f'[[party]]\nid = "{party}"\nrole = "principal"\nname.en = "{party}"\nroot = "{root(party).key}"\n'
        text += f'[[party.station]]\nid = "hq"\nstatement = "holds"\ncosigner = "{cosigner(party).key}"\n'
        text += f'pq = "{cosigner(party, POST_QUANTUM).key}"\ntls = "{certificate}"\nbearers = []\n'
    return text.encode()


def signed(text: bytes, *signers: Signer) -> bytes:
    """Write a note."""
    return Note(text, tuple(signer.line(text) for signer in signers)).write()


def book_text(party: str) -> bytes:
    """Write the text of a book note."""
    text = (
        f'# Detente book, format 1\nprotocol = 1\nchannel = "{CHANNEL}"\nparty = "{party}"\nbook = 1\nstation = "hq"\n'
    )
    return f'{text}key = "{book_key(party).key}"\n'.encode()


@dataclass
class Line:
    """The entries of both books."""

    entries: dict[str, list[Entry]] = field(default_factory=lambda: {party: [] for party in PARTIES})

    def fold(self, party: str, size: int) -> Fold:
        """Fold the first entries of a book."""
        fold = Fold()
        for entry in self.entries[party][:size]:
            fold.add(0, entry.leaf_hash())
        return fold

    def head_of(self, party: str, kind: int, epoch: int = 0, seen: Seen | None = None) -> Head:
        """Make the head of a party's next entry, which has seen everything."""
        everything = tuple((0 if other == party else len(self.entries[other]),) for other in PARTIES)
        seen = everything if seen is None else seen
        view = books.computed_view(
            seen, CHANNEL, PARTIES, lambda place, _, count: self.fold(PARTIES[place], count).root()
        )
        return Head(kind, sum(map(len, self.entries.values())), 0, epoch, seen, view)

    def add(self, party: str, kind: int, body: list[Encodable], seen: Seen | None = None) -> None:
        """Add an entry that is not sealed."""
        self.entries[party].append(Entry(self.head_of(party, kind, seen=seen), encode(body)))

    def add_sealed(self, party: str, epoch: int, key: bytes, content: bytes) -> None:
        """Add a sealed entry."""
        head, index = self.head_of(party, books.SEALED, epoch), len(self.entries[party])
        plaintext = bytes([padding.RAW]) + len(content).to_bytes(2, "big") + content
        plaintext += bytes(padding.padded_size(len(plaintext)) - len(plaintext))
        body = sealing.seal(key, books.make_origin(CHANNEL, party, 1), index, head, plaintext)
        self.entries[party].append(Entry(head, body))

    def item(self, party: str, index: int) -> list[Encodable]:
        """Write an entry as an item."""
        entry = self.entries[party][index]
        return [*entry.head.fields(), entry.body]

    def hidden(self, party: str, index: int) -> list[Encodable]:
        """Write an entry as a hash."""
        return [0, self.entries[party][index].leaf_hash()]

    def head(self, party: str, size: int, *cosignatures: tuple[Signer, int]) -> bytes:
        """Write a checkpoint with the owner's signature and cosignatures."""
        text = Checkpoint(books.make_origin(CHANNEL, party, 1), size, self.fold(party, size).root()).text()
        lines = [book_key(party).line(text), *(signer.line(text, timestamp) for signer, timestamp in cosignatures)]
        return Note(text, tuple(lines)).write()
