"""Books of the small world that grow entry by entry: leaves, bodies, epochs, sealed bodies, heads (spec/4, spec/5).

It keeps: whatever a case needs to be wrong is given by hand; everything else follows from the entries and from labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from vector_sets.base import (
    Kept,
    Key,
    cbor,
    checkpoint,
    cosignature,
    covering,
    digest,
    hmac,
    leaf_hash,
    note,
    root,
    seed,
    sha256,
)
from vector_sets.padding import padded
from vector_sets.world import CHANNEL, FIRST, START_S, Charter, Party

OPENING, KEYS, SEALED, OPEN, ADOPT, ERASED, CLOSING = range(7)
SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
Seen = tuple[Any, ...]


def origin_of(party: str, number: int) -> str:
    """BOOK-1."""
    return f"{CHANNEL}/{party}/{number}"


# --- spec/5


@dataclass(frozen=True)
class ReaderKey:
    """An HPKE key by its label; the private half is 64 octets of ML-KEM-768 seed, then 32 of X25519."""

    label: str

    @property
    def private(self) -> bytes:
        """96 octets."""
        return b"".join(seed(f"{self.label} {part}") for part in ("mlkem d", "mlkem z", "x25519"))

    @property
    def halves(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        """The two keys."""
        mlkem = MLKEM768PrivateKey.from_seed_bytes(self.private[:64])
        return mlkem, X25519PrivateKey.from_private_bytes(self.private[64:])

    @property
    def public(self) -> bytes:
        """KEY-4: 1,216 octets."""
        return b"".join(half.public_key().public_bytes_raw() for half in self.halves)

    def wrap(self, kept: Kept, name: str, secret: bytes, info: bytes) -> bytes:
        """EPOCH-5: 1,168 octets, kept as long as they open."""
        private = MLKEM768X25519PrivateKey(*self.halves)

        def fits(octets: bytes) -> bool:
            try:
                return SUITE.decrypt(octets, private, info) == secret
            except (InvalidTag, ValueError):
                return False

        return kept.get(f"wrap {name}", fits, lambda: SUITE.encrypt(secret, private.public_key(), info))


def check_of(secret: bytes, origin: str, index: int) -> bytes:
    """EPOCH-3."""
    return hmac(secret, cbor(["detente/1 epoch", origin, index]))


def wrap_info(place: tuple[str, int], audience: Sequence[str], reader: str, key: ReaderKey, check: bytes) -> bytes:
    """EPOCH-5."""
    parts = [[25722, 1, 3], CHANNEL, *place, list(audience), reader, sha256(key.public), check]
    return cbor(["detente/1 wrap", *parts])


def message_key(secret: bytes, origin: str, epoch: int, index: int) -> bytes:
    """SEAL-1: mk."""
    return hmac(secret, cbor(["detente/1 message", origin, epoch, index]))


def commitment(mk: bytes, origin: str, index: int, h: Sequence[Any], p: bytes) -> bytes:
    """SEAL-1: c."""
    return hmac(mk, cbor(["detente/1 commit", origin, index, list(h), p]))


def seal_key(mk: bytes, c: bytes) -> bytes:
    """SEAL-1: ek."""
    return hmac(mk, cbor(["detente/1 seal", c]))


def sealed_with(mk: bytes, c: bytes, p: bytes) -> bytes:
    """SEAL-1: the body for any c."""
    return c + ChaCha20Poly1305(seal_key(mk, c)).encrypt(bytes(12), p, None)


# --- spec/4


@dataclass(frozen=True)
class Entry:
    """An entry: the fields of `h`, and the body."""

    kind: int
    at: int
    precedence: int
    epoch: int
    seen: Seen
    view: bytes
    body: bytes

    @property
    def h(self) -> list[Any]:
        """SEAL-1."""
        return [self.kind, self.at, self.precedence, self.epoch, list(self.seen), self.view]

    @property
    def leaf(self) -> bytes:
        """BOOK-2."""
        return cbor([*self.h, len(self.body), sha256(self.body)])

    def item(self, *, with_view: bool = True) -> list[Any]:
        """FRAME-3."""
        return [*self.h[:5], self.view if with_view else None, self.body]


@dataclass
class Book:
    """A book with its key and its entries."""

    party: Party
    number: int = 1
    entries: list[Entry] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """BOOK-1."""
        return origin_of(self.party.id, self.number)

    @property
    def key(self) -> Key:
        """Type 0x01."""
        return self.party.book(self.number)

    @property
    def hashes(self) -> list[bytes]:
        """TREE-1."""
        return [leaf_hash(entry.leaf) for entry in self.entries]

    def root(self, size: int | None = None) -> bytes:
        """TREE-1."""
        return root(self.hashes[:size])

    def text(self, size: int) -> str:
        """HEAD-1."""
        return checkpoint(self.origin, size, self.root(size))

    def signature(self, size: int) -> bytes:
        """HEAD-2: 64 octets."""
        return bytes(self.key.private.sign(self.text(size).encode()))

    def head(self, size: int, *cosigners: tuple[Key, int], lines: Sequence[str] = ()) -> bytes:
        """A checkpoint note: the owner's line, cosignatures of type 0x04 by (key, seconds), then `lines` as they are."""
        text = self.text(size)
        signed = [key.line(cosignature(key, text, timestamp_s)) for key, timestamp_s in cosigners]
        return note(text, self.key.sign(text), *signed, *lines)

    def tiles(self, start: int, stop: int) -> list[list[Any]]:
        """TREE-3 with hashes."""
        return covering(self.hashes, start, stop)

    def items(self, start: int, stop: int, *, with_view: bool = True) -> list[list[Any]]:
        """FRAME-3: entries."""
        return [entry.item(with_view=with_view) for entry in self.entries[start:stop]]

    def twin(self, size: int) -> "Book":
        """The same book up to a size, to go on in another way."""
        return Book(self.party, self.number, self.entries[:size])


class Record:
    """Books of one channel that count each other."""

    def __init__(self, *charters: Charter) -> None:
        self.charters = charters or (FIRST,)
        self.books: dict[str, Book] = {}

    def book(self, party: Party, number: int = 1, *, opened: bool = True) -> Book:
        """A new book, opened under the first charter."""
        book = self.books[origin_of(party.id, number)] = Book(party, number)
        if opened:
            self.add(book, OPENING, self.opening(book))
        return book

    def opening(self, book: Book, charter: Charter | None = None, **changes: Any) -> list[Any]:  # noqa: ANN401 any field
        """BOOK-13."""
        fields = {"charter": digest((charter or self.charters[0]).text()), "reason": "founded", "heads": []}
        fields |= {"hpke": reader_key(book).public, **changes}
        return ["opening", *fields.values()]

    def counted(self, seen: Seen) -> list[tuple[str, int]]:
        """The books with a count above 0, in the order of `seen`."""
        found = []
        for party, slot in zip(self.charters[-1].parties, seen, strict=False):
            for number, count in enumerate([slot] if isinstance(slot, int) else slot, start=1):
                if count:
                    found.append((origin_of(party.id, number), count))
        return found

    def view(self, seen: Seen) -> bytes:
        """BOOK-10, from these books."""
        parts = [[origin, count, self.books[origin].root(count)] for origin, count in self.counted(seen)]
        return sha256(cbor(["detente/1 view", parts]))

    def add(self, book: Book, kind: int, body: Any, **changes: Any) -> Entry:  # noqa: ANN401 any body, any field
        """Append an entry. `body` is an array, or octets as they are. `changes` are fields of Entry."""
        index = len(book.entries)
        seen = changes.get("seen", book.entries[-1].seen if book.entries else (0,) * len(self.charters[0].parties))
        if "view" not in changes:
            changes["view"] = self.view(seen)
        octets = body if isinstance(body, bytes) else cbor(body)
        at = (
            START_S * 1000
            + index * 60_000
            + 1_000 * [party.id for party in self.charters[-1].parties].index(book.party.id)
        )
        entry = replace(Entry(kind, at, 0, 0, seen, b"", octets), **changes)
        book.entries.append(entry)
        return entry

    def say(self, book: Book, text: str, **changes: Any) -> Entry:  # noqa: ANN401 any field
        """An open message."""
        return self.add(book, OPEN, ["open", {"form": "message", "text": text}], **changes)

    def begin(self, kept: Kept, book: Book, readers: Sequence[Book], **changes: Any) -> Entry:  # noqa: ANN401 any field
        """A keys entry (EPOCH-1) for the parties of `readers`, who are named by their books, and the author."""
        index = len(book.entries)
        ids = {book.party.id, *(reader.party.id for reader in readers)}
        audience = [party.id for party in self.charters[0].parties if party.id in ids]
        check = check_of(secret_of(book, index), book.origin, index)
        wraps = []
        for reader in readers:
            key = reader_key(reader)
            info = wrap_info((book.origin, index), audience, reader.origin, key, check)
            name = f"{book.party.id}/{book.number}/{index} for {reader.party.id}/{reader.number}"
            wraps.append([reader.origin, 0, key.wrap(kept, name, secret_of(book, index), info)])
        return self.add(book, KEYS, ["keys", audience, check, wraps, None], **changes)

    def seal(self, book: Book, epoch: int, content: Any, **changes: Any) -> Entry:  # noqa: ANN401 any content
        """A sealed entry in coding 0."""
        index = len(book.entries)
        entry = self.add(book, SEALED, b"", epoch=epoch, **changes)
        p = content if isinstance(content, bytes) else padded(0, cbor(content))
        mk = message_key(secret_of(book, epoch), book.origin, epoch, index)
        body = sealed_with(mk, commitment(mk, book.origin, index, entry.h, p), p)
        book.entries[index] = replace(entry, body=body)
        return book.entries[index]

    def book_notes(self) -> list[bytes]:
        """The signed notes of the books."""
        return [book.party.signed_book_note(book.number) for book in self.books.values()]


def reader_key(book: Book) -> ReaderKey:
    """The HPKE key that the opening of a book publishes."""
    return ReaderKey(f"{book.party.id}/{book.number} hpke")


def secret_of(book: Book, index: int) -> bytes:
    """The secret of an epoch: a label."""
    return seed(f"{book.party.id}/{book.number}/{index} epoch")


def private_keys(*parties: Party) -> Mapping[str, object]:
    """Private keys of parties' stations and books, as hexadecimal, for those who want to play a station themselves."""
    return {
        party.id: {
            "root": seed(f"{party.id} root").hex(),
            "book 1": seed(f"{origin_of(party.id, 1)} book").hex(),
            "hpke of book 1": reader_key(Book(party)).private.hex(),
            "cosigners": [seed(f"{station.name} cosigner").hex() for station in party.stations],
        }
        for party in parties
    }
