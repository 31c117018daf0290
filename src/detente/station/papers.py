"""Our signed papers in HOME: cards, charters, book notes. What the root key signs, it signs here and nowhere else.

Its law: a card's keys serve one charter and its amendments (CARD-1); a root signs one charter of each number
(CHARTER-6) and one note for each book (OPEN-2), so what it signed is durable here before the signature is handed out; a
charter is signed only if it says of us exactly what a card of ours says.
"""

import base64
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from detente.crypto.hashing import sha256
from detente.crypto.signing import SigningKey
from detente.errors import LocalMisuse, Malformed
from detente.formats.book_note import BookNote, parse_book_note, write_book_note
from detente.formats.card import Party, Station, fingerprint, parse_card, write_card
from detente.formats.charter import Charter, parse_charter, principals_missing
from detente.ids import PartyId, origin_of
from detente.limits import BOOKS_PER_PARTY_MAX
from detente.station.custody import Custody, used_mark
from detente.station.home import Home
from detente.stores.files import disk_faults
from detente.tlog.note import Note, NoteSignature, format_note, note_digest, parse_note, sign_note, verify_note
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE, verifier_key

BOOKS_SIGNED_AHEAD: Final = (
    2  # OPEN-1: sealed envelopes beyond the book in use, for a night on which no root is at hand
)

_SIGNATURES_BEGIN = "\n\n\u2014 "


@dataclass(frozen=True, slots=True)
class Paper:
    """A charter file: its note (a draft has no signatures), and what the text says."""

    note: Note
    charter: Charter

    @property
    def digest(self) -> bytes:
        """NOTE-4: the same before and after signing."""
        return note_digest(self.note.text)

    @property
    def signed_by(self) -> tuple[PartyId, ...]:
        """Every party whose root has signed, in the charter's order."""
        signers = set(verify_note(self.note, [party.root for party in self.charter.parties]))
        return tuple(party.id for party in self.charter.parties if party.root in signers)

    @property
    def missing(self) -> tuple[PartyId, ...]:
        """CHARTER-5: the principals who have not signed."""
        return principals_missing(self.charter, self.note)


# --- cards


def read_card(octets: bytes) -> tuple[Party, str]:
    """The party of a card that its own root signed, and its fingerprint. Raises Malformed (CARD-1)."""
    note = parse_note(octets)
    party = parse_card(note.text)
    if not verify_note(note, [party.root]):
        raise Malformed(f"the card of {party.id} is not signed by its own root; ask for it again", rule="CARD-1")
    return party, fingerprint(note.text)


def card_fingerprint(party: Party) -> str:
    """CARD-2: the fingerprint of the card from which a charter has this party, as `detente` writes cards."""
    return fingerprint(write_card(party))


def make_card(
    home: Home, custody: Custody, role: str = "", root: SigningKey | None = None, root_name: str = ""
) -> Path:
    """A new card of this station with fresh keys; with `root` one for an amendment (CHARTER-6). Raises Fault."""
    config = home.config
    card_id = base64.b32encode(secrets.token_bytes(5)).decode().lower()
    prefix = f"{config.party}-{card_id}"
    if root is None:
        root, root_name = custody.new_signing_key("root"), f"{prefix}/root"
    cosigner = pq = None
    if config.cosign != "none":
        station_name = f"{prefix}/{config.station}"
        cosigner = verifier_key(f"{station_name}/cosigner", COSIGNATURE, custody.new_signing_key("cosigner").public)
        pq = verifier_key(f"{station_name}/pq", PQ_COSIGNATURE, custody.new_pq_key().public)
    station = Station(config.station, config.cosign, cosigner, pq, home.certificate(), config.bearers)
    party = Party(
        id=PartyId(config.party),
        role=role or config.role,
        name=config.name,
        root=verifier_key(root_name, ED25519, root.public),
        stations=(station,),
    )
    text = write_card(party)
    path = home.cards_path / f"{card_id}.card"
    home.write(path, format_note(Note(text, (sign_note(text, root, root_name),))))
    return path


def root_key(home: Home, custody: Custody, us: Party) -> SigningKey:
    """Our root's private key. Raises LocalMisuse that names its file if that was moved offline."""
    root = custody.signing_key("root", us.root.public)
    if root is None:
        raise LocalMisuse(
            f"the root key {us.root.name} is not in {home.keys_path}; bring its file back for the time of signing"
        )
    return root


def root_key_path(home: Home, party: Party) -> Path:
    """Where the root key of a card of ours lies, or belongs."""
    return home.keys_path / f"root-{sha256(party.root.public)[:8].hex()}.pem"


def own_cards(home: Home) -> list[tuple[Path, Party]]:
    """Our cards, oldest first. Raises Malformed, StoreFault."""
    with disk_faults(home.cards_path):
        paths = sorted(home.cards_path.glob("*.card"), key=lambda path: path.stat().st_mtime_ns)
        return [(path, read_card(path.read_bytes())[0]) for path in paths]


# --- charters


def read_paper(octets: bytes) -> Paper:
    """A charter file, signed or not. Raises Malformed."""
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise Malformed("the charter is not UTF-8", rule="NOTE-1") from error
    note = parse_note(octets) if _SIGNATURES_BEGIN in text else Note(text, ())
    return Paper(note, parse_charter(note.text))


def check_signable(home: Home, paper: Paper) -> Party:
    """Our party in a charter that we may sign. Nothing is written. Raises LocalMisuse, Malformed, StoreFault."""
    charter = paper.charter
    verify_note(paper.note, [party.root for party in charter.parties])  # NOTE-3: those who signed, signed this text
    us = next((party for party in charter.parties if party.id == home.config.party), None)
    if us is None:
        raise LocalMisuse(f"this charter names no party {home.config.party}; was it drafted with your card?")
    if all(us != party for _, party in own_cards(home)):
        raise LocalMisuse(
            f"this charter says of {us.id} other things than any card in {home.cards_path}; do not sign it: "
            f"ask for a draft made with your card",
            rule="CARD-1",
        )
    for held in _held_papers(home):
        mine = next((party for party in held.charter.parties if party.id == us.id), None)
        if mine is None:
            continue
        if held.charter.channel != charter.channel and mine.root == us.root:
            raise LocalMisuse(
                f"the keys of this card serve the channel {held.charter.channel} already; make another card with "
                f"`detente card` and let the charter be drafted with it",
                rule="CARD-1",
            )
        same_place = (held.charter.channel, held.charter.number) == (charter.channel, charter.number)
        if same_place and held.digest != paper.digest:
            raise LocalMisuse(
                f"this root has signed another charter number {charter.number} of {charter.channel} "
                f"({held.digest.hex()[:16]}...); it can never sign a second one",
                rule="CHARTER-6",
            )
    return us


def sign_paper(home: Home, custody: Custody, paper: Paper) -> bytes:
    """The octets of the charter with our root's signature. Our book notes are made on the way. Raises Fault."""
    us = check_signable(home, paper)
    root = root_key(home, custody, us)
    _sign_book_notes(home, custody, paper.charter, us, root)
    signatures = tuple(one for one in paper.note.signatures if not _is_by(one, us))
    octets = format_note(Note(paper.note.text, (*signatures, sign_note(paper.note.text, root, us.root.name))))
    home.write(
        charter_path(home, paper.charter.channel, paper.charter.number), octets
    )  # CHARTER-6: kept before the signature leaves
    return octets


def charter_path(home: Home, channel: str, number: int) -> Path:
    """Where our copy of a charter lies, or would."""
    return home.charters_path / f"{_file_name(channel)}.{number}.charter"


def mode_of(home: Home, channel: str) -> str:
    """REAL or EXERCISE, from our copy of a channel's charter (CHARTER-2: it never changes). Raises LocalMisuse."""
    for paper in _held_papers(home):
        if paper.charter.channel == channel:
            return paper.charter.mode
    raise LocalMisuse(f"the copy of the charter of {channel} is missing in {home.charters_path}; put it back there")


def book_notes(home: Home, channel: str) -> list[bytes]:
    """Our signed book notes of a channel, by number. Raises Malformed, StoreFault."""
    found = [octets for _, octets in sorted(_held_book_notes(home, channel).items())]
    if not found:
        raise LocalMisuse(
            f"there are no book notes of {channel} in {home.notes_path}; `detente charter sign` makes them, for every "
            f"role",
            rule="OPEN-1",
        )
    return found


def sign_more_books(home: Home, custody: Custody, paper: Paper) -> list[bytes]:
    """Under a charter that we have signed: the notes of further books, until enough lie ready. The new ones. Raises Fault."""
    us = check_signable(home, paper)
    return _sign_book_notes(home, custody, paper.charter, us, root_key(home, custody, us))


def books_to_sign(home: Home, channel: str) -> list[int]:
    """The numbers of books whose note should lie ready and does not. Raises Malformed, StoreFault."""
    held = _held_book_notes(home, channel)
    keys = {number: parse_book_note(parse_note(octets).text).key.public for number, octets in held.items()}
    begun = max((number for number, key in keys.items() if used_mark(home.keys_path, key).exists()), default=1)
    last = min(begun + BOOKS_SIGNED_AHEAD, BOOKS_PER_PARTY_MAX)
    return [number for number in range(1, last + 1) if number not in held]


def _sign_book_notes(home: Home, custody: Custody, charter: Charter, us: Party, root: SigningKey) -> list[bytes]:
    """OPEN-1: keys first, then the notes that name them. A note that exists is never replaced (OPEN-2)."""
    made = []
    for number in books_to_sign(home, charter.channel):
        public = custody.new_signing_key("book").public
        vkey = verifier_key(origin_of(charter.channel, us.id, number), ED25519, public)
        text = write_book_note(BookNote(charter.channel, us.id, number, home.config.station, vkey))
        octets = format_note(Note(text, (sign_note(text, root, us.root.name),)))
        home.write(home.notes_path / f"{_file_name(charter.channel)}.{number}.note", octets)
        made.append(octets)
    return made


def _held_book_notes(home: Home, channel: str) -> dict[int, bytes]:
    """Our book notes of a channel by number."""
    found: dict[int, bytes] = {}
    with disk_faults(home.notes_path):
        for path in home.notes_path.glob("*.note"):
            octets = path.read_bytes()
            note = parse_book_note(parse_note(octets).text)
            if note.channel == channel:
                found[note.book] = octets
    return found


def _held_papers(home: Home) -> list[Paper]:
    with disk_faults(home.charters_path):
        return [read_paper(path.read_bytes()) for path in sorted(home.charters_path.glob("*.charter"))]


def _is_by(signature: NoteSignature, party: Party) -> bool:
    return (signature.name, signature.key_id) == (party.root.name, party.root.key_id)


def _file_name(channel: str) -> str:
    return channel.replace("/", "_")  # no channel's name holds a _ (CHARTER-1)


# --- amending


def amended(paper: Paper, parties: list[Party], **changes: object) -> Charter:
    """The next number of a charter: `parties` replace those of their id, or come last. Raises LocalMisuse."""
    old = paper.charter
    found = {party.id: party for party in old.parties}
    for party in parties:
        known = found.get(party.id)
        if known is not None and known.root != party.root:
            raise LocalMisuse(
                f"the card of {party.id} has another root than the charter, and an amendment keeps roots; its party "
                f"makes the card with `detente card HOME --for CHARTER`",
                rule="CHARTER-6",
            )
        found[party.id] = party
    return replace(old, number=old.number + 1, amends=paper.digest, parties=tuple(found.values()), **changes)  # type: ignore[arg-type]
