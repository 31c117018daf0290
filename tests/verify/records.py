"""A small record to make bundles of: a charter with two principals and a witness, their books, receipts, sealed entries.

Everything is made with the rooms of the program, from fixed seeds, so that a failing case repeats itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from detente.crypto import labels
from detente.crypto.hashing import sha256
from detente.crypto.signing import PqSigningKey, SigningKey
from detente.formats.book_note import BookNote, write_book_note
from detente.formats.bundle import BookSection, Bundle, Disclosure, encode_bundle
from detente.formats.canonical import encode
from detente.formats.charter import (
    Charter,
    Contact,
    KeyRules,
    Party,
    PerPrecedence,
    Quota,
    Station,
    write_charter,
)
from detente.formats.content import Content, encode_content
from detente.formats.entry import Adopt, Body, Keys, Kind, Leaf, Open, Opening, Seen, encode_body, encode_leaf
from detente.formats.frame import EntryItem, Item, Subtree
from detente.formats.padding import pack
from detente.ids import Milliseconds, Origin, PartyId, origin_of
from detente.protocol.sealing import Epoch, Header, epoch_check
from detente.tlog.checkpoint import checkpoint_text, cosign, cosign_pq
from detente.tlog.note import Note, format_note, note_digest, sign_note, signature_line
from detente.tlog.tree import Frontier, cover, fold, leaf_hash
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE, VerifierKey, verifier_key

CHANNEL = "line.example/ab-aaaaaaaaaaaaaaaa"
ALFA, BRAVO, HARBOUR = map(PartyId, ("alfa", "bravo", "harbour"))
PARTIES = (ALFA, BRAVO, HARBOUR)
ROLES = {ALFA: "principal", BRAVO: "principal", HARBOUR: "witness"}
START_S = 1_900_000_000
SECRET = b"S" * 32


def key_of(*names: object) -> SigningKey:
    """The key of a name."""
    return SigningKey(sha256("/".join(map(str, names)).encode()))


def pq_key_of(*names: object) -> PqSigningKey:
    """The post-quantum key of a name."""
    return PqSigningKey(sha256("/".join(map(str, names)).encode()))


def root_of(party: str) -> VerifierKey:
    """The root's verifier key."""
    return verifier_key(f"{party}-root", ED25519, key_of(party, "root").public)


def cosigner_of(party: str) -> VerifierKey:
    """The verifier key of a station's cosigner."""
    return verifier_key(f"{party}-hq", COSIGNATURE, key_of(party, "cosigner").public)


def pq_cosigner_of(party: str) -> VerifierKey:
    """The verifier key of a station's post-quantum cosigner."""
    return verifier_key(f"{party}-hq-pq", PQ_COSIGNATURE, pq_key_of(party, "pq").public)


def party_of(party_id: PartyId, *, pq: bool = False) -> Party:
    """A party with one station. Its certificate has only the outer shape of one."""
    certificate = b"\x30\x81\x80" + sha256(party_id.encode()) * 4
    station = Station("hq", "holds", cosigner_of(party_id), pq_cosigner_of(party_id) if pq else None, certificate, ())
    return Party(party_id, ROLES.get(party_id, "principal"), {"en": party_id.title()}, root_of(party_id), (station,))


def charter_of(parties: Sequence[Party], number: int = 1, amends: bytes | None = None, mode: str = "REAL") -> Charter:
    """A short charter."""
    each = PerPrecedence(60, 300, 900, 3600)
    return Charter(
        mode=mode,
        channel=CHANNEL,
        number=number,
        amends=amends,
        title="Line",
        languages=("en",),
        catalogue=None,
        dictionary=None,
        scopes=(),
        never_suspended=(),
        contact=Contact(Milliseconds(START_S * 1000), 3600),
        acknowledge_s=each,
        release=PerPrecedence(1, 1, 1, 1),
        quota=Quota(1000, 10**6),
        keys=KeyRules(30, 1),
        parties=tuple(parties),
        clauses=(),
    )


def signed_charter(charter: Charter, signers: Sequence[str] = (ALFA, BRAVO)) -> bytes:
    """The octets of a charter note."""
    text = write_charter(charter)
    return format_note(Note(text, tuple(sign_note(text, key_of(one, "root"), f"{one}-root") for one in signers)))


def digest_of(octets: bytes) -> bytes:
    """NOTE-4."""
    return note_digest(octets.decode().rpartition("\n\n")[0] + "\n")


@dataclass(slots=True)
class TestBook:
    """A book that grows entry by entry, its heads and cosignatures made on demand."""

    __test__ = False  # pytest: this is no test

    party: PartyId
    number: int = 1
    items: list[EntryItem] = field(default_factory=list)
    seen: Seen = (0, 0, 0)

    @property
    def origin(self) -> Origin:
        """BOOK-1."""
        return origin_of(CHANNEL, self.party, self.number)

    @property
    def key(self) -> SigningKey:
        """The book key."""
        return key_of(self.party, "book", self.number)

    @property
    def note(self) -> bytes:
        """The octets of its book note, signed by the root."""
        vkey = verifier_key(self.origin, ED25519, self.key.public)
        text = write_book_note(BookNote(CHANNEL, self.party, self.number, "hq", vkey))
        return format_note(Note(text, (sign_note(text, key_of(self.party, "root"), f"{self.party}-root"),)))

    def hashes(self) -> list[bytes]:
        """The leaf hashes."""
        return [leaf_hash(encode_leaf(leaf_of(item))) for item in self.items]

    def root(self, size: int) -> bytes:
        """TREE-1."""
        frontier = Frontier()
        for one in self.hashes()[:size]:
            frontier = frontier.add_leaf(one)
        return frontier.root()

    def add(self, kind: int, body: bytes, view: bytes, epoch: int = 0) -> int:
        """Append an entry as it is; its index."""
        at = (START_S + len(self.items)) * 1000
        self.items.append(EntryItem(kind, at, 3, epoch, self.seen, view, body))
        return len(self.items) - 1

    def head(
        self, size: int, cosigners: Sequence[tuple[str, int]] = (), *, pq: Sequence[tuple[str, int]] = ()
    ) -> bytes:
        """A checkpoint note with the owner's line and cosignatures of (party, timestamp in seconds)."""
        text = checkpoint_text(self.origin, size, self.root(size))
        lines = [sign_note(text, self.key, self.origin)]
        lines += [signature_line(cosigner_of(p), cosign(key_of(p, "cosigner"), text, t)) for p, t in cosigners]
        for party, timestamp_s in pq:
            vkey = pq_cosigner_of(party)
            lines.append(signature_line(vkey, cosign_pq(pq_key_of(party, "pq"), vkey.name, text, timestamp_s)))
        return format_note(Note(text, tuple(lines)))

    def hidden(self, start: int, stop: int) -> list[Item]:
        """The cover of a range, as subtree hashes."""
        hashes = self.hashes()
        found: list[Item] = []
        for level, first in cover(start, stop):
            frontier = Frontier()
            for one in hashes[first : first + (1 << level)]:
                frontier = frontier.add_leaf(one)
            found.append(Subtree(level, fold(frontier.hashes)))
        return found


def leaf_of(item: EntryItem) -> Leaf:
    """The leaf that an item stands for."""
    kind, at, precedence, epoch, seen, view, body = item
    return Leaf(kind, at, precedence, epoch, seen, view or b"", len(body), sha256(body))


class Record:
    """Books of one channel that count each other."""

    def __init__(self, charters: Sequence[Charter] | None = None, mode: str = "REAL") -> None:
        self.charters = list(charters or [charter_of([party_of(one) for one in PARTIES], mode=mode)])
        self.notes = [signed_charter(charter) for charter in self.charters]
        self.books: dict[Origin, TestBook] = {}

    def book(self, party: PartyId, number: int = 1) -> TestBook:
        """A book, opened with the first charter."""
        book = TestBook(party, number)
        self.books[book.origin] = book
        self.write(book, Opening(digest_of(self.notes[0]), "founded", (), bytes(1216)))
        return book

    def see(self, book: TestBook, seen: Seen) -> None:
        """What the entries of a book count from now on."""
        book.seen = seen

    def view(self, seen: Seen) -> bytes:
        """BOOK-10, from these books."""
        parts = []
        for party, slot in zip(self.charters[-1].parties, seen, strict=False):
            for number, count in enumerate((slot,) if isinstance(slot, int) else slot, start=1):
                if count:
                    origin = origin_of(CHANNEL, party.id, number)
                    parts.append((origin, count, self.books[origin].root(count)))
        return sha256(encode([labels.VIEW, parts]))

    def write(self, book: TestBook, body: Body) -> int:
        """Append a body that is not sealed."""
        kinds = {Opening: Kind.OPENING, Open: Kind.OPEN, Adopt: Kind.ADOPT}
        return book.add(kinds.get(type(body), Kind.CLOSING), encode_body(body), self.view(book.seen))

    def seal(self, book: TestBook, content: Content, epoch: int = 1, padded: bytes | None = None) -> int:
        """Append a sealed entry under SECRET."""
        index, view = len(book.items), self.view(book.seen)
        header = Header(Kind.SEALED, (START_S + index) * 1000, 3, epoch, book.seen, view)
        body = self.epoch(book, epoch).seal(index, header, padded or pack(encode_content(content), None))
        return book.add(Kind.SEALED, body, view, epoch)

    @staticmethod
    def epoch(book: TestBook, epoch: int = 1) -> Epoch:
        """The epoch of a book."""
        return Epoch(book.origin, epoch, (ALFA, BRAVO), SECRET)

    def disclosure(self, book: TestBook, index: int) -> Disclosure:
        """The message key of one entry."""
        return Disclosure(book.origin, index, self.epoch(book).message_key(index))


def small_record(mode: str = "REAL") -> tuple[Record, TestBook, TestBook]:
    """Alfa with an opening, an epoch (only its place), two sealed entries; bravo with an opening and an acknowledge."""
    record = Record(mode=mode)
    bravo = record.book(BRAVO)
    alfa = record.book(ALFA)
    keys = Keys((ALFA, BRAVO), epoch_check(SECRET, alfa.origin, 1), (), None)
    alfa.add(Kind.KEYS, encode_body(keys), record.view(alfa.seen))
    record.see(alfa, (0, 1, 0))
    record.seal(alfa, Content("message", (BRAVO,), lang="en", text="The line is open."))
    record.seal(alfa, Content("message", (BRAVO,), text="Second."))
    record.see(bravo, (4, 0, 0))
    record.write(bravo, Open(Content("status", fields={"kind": "held"})))
    return record, alfa, bravo


def small_bundle(mode: str = "REAL") -> Bundle:
    """One disclosed entry, alfa/2, between two heads with receipts; bravo's book hidden but for its last entry."""
    record, alfa, bravo = small_record(mode)
    items: list[Item] = [*alfa.hidden(0, 2), alfa.items[2], *alfa.hidden(3, 4)]
    heads = (alfa.head(2, [(BRAVO, START_S + 10)]), alfa.head(4, [(BRAVO, START_S + 30), (HARBOUR, START_S + 20)]))
    section = BookSection(alfa.note, tuple(items), heads)
    other = BookSection(bravo.note, (*bravo.hidden(0, 1), bravo.items[1]), (bravo.head(2),))
    return Bundle(tuple(record.notes), (section, other), (record.disclosure(alfa, 2),))


def with_book(bundle: Bundle, at: int, **changes: object) -> Bundle:
    """The bundle with one of its books changed."""
    books = list(bundle.books)
    books[at] = replace(books[at], **changes)  # type: ignore[arg-type]
    return replace(bundle, books=tuple(books))


def octets_of(bundle: Bundle) -> bytes:
    """Its file."""
    return encode_bundle(bundle)
