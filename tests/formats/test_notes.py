"""Cards, charters and book notes: the rules of one text (CARD-2, CHARTER-1, 3 to 6, OPEN-1)."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.crypto.hashing import sha256
from detente.crypto.signing import SigningKey
from detente.errors import LocalMisuse, Malformed
from detente.formats.book_note import BookNote, parse_book_note, write_book_note
from detente.formats.card import Party, fingerprint, parse_card, write_card
from detente.formats.charter import (
    Charter,
    check_amendment,
    parse_charter,
    principals_missing,
    principals_signed,
    write_charter,
)
from detente.ids import Milliseconds, PartyId
from detente.tlog.note import Note, note_digest, sign_note
from detente.tlog.vkeys import COSIGNATURE, ED25519, verifier_key
from tests.formats.values import (
    CHANNEL,
    certificate,
    charter,
    one_bit_flips,
    party,
    root_name,
    seed,
    station,
    vkey,
)

CHARTER = charter()
CHARTER_TEXT = write_charter(CHARTER)
CARD = CHARTER.parties[0]
CARD_TEXT = write_card(CARD)
BOOK_NOTE = BookNote(CHANNEL, PartyId("alfa"), 1, "main", vkey(f"{CHANNEL}/alfa/1", ED25519))
BOOK_NOTE_TEXT = write_book_note(BOOK_NOTE)


def signed(text: str, *parties: str) -> Note:
    """A note with the root signatures of these parties."""
    return Note(text, tuple(sign_note(text, SigningKey(seed(root_name(one))), root_name(one)) for one in parties))


# --- round trips


def test_what_is_written_is_read() -> None:
    """spec/3: value to text to value, and the same value always gives the same text."""
    assert parse_card(CARD_TEXT) == CARD
    assert parse_charter(CHARTER_TEXT) == CHARTER
    assert parse_book_note(BOOK_NOTE_TEXT) == BOOK_NOTE
    assert write_charter(parse_charter(CHARTER_TEXT)) == CHARTER_TEXT
    assert write_card(parse_card(CARD_TEXT)) == CARD_TEXT
    assert write_book_note(parse_book_note(BOOK_NOTE_TEXT)) == BOOK_NOTE_TEXT


people = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120).filter(
    lambda t: not t.isspace()
)
lines_of_people = st.lists(people, min_size=1, max_size=4).map("\n".join)
languages = st.from_regex(r"[a-z]{2}", fullmatch=True)
names = st.dictionaries(languages, people, min_size=1, max_size=4)


@given(
    title=people,
    name=names,
    clauses=st.lists(st.dictionaries(languages, lines_of_people, min_size=1, max_size=3), max_size=3),
    scopes=st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True), max_size=5, unique=True),
    start_s=st.integers(0, 253_402_300_799),
    mode=st.sampled_from(["REAL", "EXERCISE"]),
)
def test_any_charter_comes_back(
    title: str, name: dict[str, str], clauses: list[dict[str, str]], scopes: list[str], start_s: int, mode: str
) -> None:
    """spec/3: whatever people write into it, in whatever script, is read as it was written."""
    parties = (replace(CARD, name=name), *CHARTER.parties[1:])
    contact = replace(CHARTER.contact, start=Milliseconds(start_s * 1_000))
    made = replace(
        CHARTER, title=title, clauses=tuple(clauses), scopes=tuple(scopes), mode=mode, contact=contact, parties=parties
    )
    assert parse_charter(write_charter(made)) == made
    assert parse_card(write_card(parties[0])) == parties[0]


def test_charter_keys_stand_in_the_order_of_the_spec() -> None:
    """spec/3: top-level keys in the order of the text of the rule; tables after them."""
    keys = re.findall(r"^([a-z_]+) = ", CHARTER_TEXT.split("[contact]")[0], re.MULTILINE)
    assert keys == [
        *("protocol", "mode", "channel", "number", "amends", "title", "languages", "catalogue", "dictionary"),
        *("scopes", "never_suspended"),
    ]


@pytest.mark.parametrize(
    ("text", "parse"), [(CARD_TEXT, parse_card), (BOOK_NOTE_TEXT, parse_book_note)], ids=["card", "book note"]
)
def test_every_flipped_bit_is_refused_or_seen(text: str, parse: object) -> None:
    """CARD-1, NOTE-4: what is signed is the text: a turned bit is refused, or the text has another digest."""
    assert callable(parse)
    octets = text.encode()
    value = parse(text)
    refused = same = 0
    for flipped in one_bit_flips(octets):
        try:
            found = parse(flipped.decode())
        except (Malformed, UnicodeDecodeError):
            refused += 1
            continue
        same += found == value
        assert note_digest(flipped.decode()) != note_digest(text)
    assert refused > len(octets) * 4
    comments = sum(len(line) + 1 for line in text.splitlines() if line.startswith("#") or not line)
    assert same <= 8 * comments


def test_card_2_fingerprint() -> None:
    """CARD-2: ten groups of four digits of the SHA-256 of the text."""
    digits = sha256(CARD_TEXT.encode()).hex()[:40]
    assert fingerprint(CARD_TEXT) == " ".join(re.findall("....", digits))
    assert len(fingerprint(CARD_TEXT).split()) == 10


# --- refusals of one text


def changed(text: str, old: str, new: str) -> str:
    """The text with its first `old` replaced; fails if there is none."""
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('role = "principal"', 'role = "king"', "role: expected one of"),
        ('role = "principal"\n', "", "role is missing"),
        ('party = "alfa"', 'party = "Alfa"', "party: expected 1 to 24 characters"),
        ('party = "alfa"', 'id = "alfa"', "party is missing"),
        ('party = "alfa"', 'party = "alfa"\ncolour = "red"', "colour is unknown"),
        ('statement = "holds"', 'statement = "heard"', "statement: expected one of"),
        ('statement = "holds"', 'statement = "none"', "no cosigner"),
        ('statement = "none"', 'statement = "saw"', "needs a cosigner"),
        ('id = "reserve"', 'id = "main"', "two stations 'main'"),
        ("tls://alfa.example:4433", "tcp://alfa.example:4433", "station 1, bearers"),
        ("tls://alfa.example:4433", "tls://alfa.example:65536", "port"),
        ("tls://alfa.example:4433", "tls://alfa.example", "station 1, bearers"),
        ("tls://alfa.example:4433", "tls://alfa_example:4433", "station 1, bearers"),
        ("tls://alfa.example:4433", "serial:Line", "station 1, bearers"),
        ("tls://alfa.example:4433", "courier:", "station 1, bearers"),
        ('tls = "M', 'tls = "A', "certificate of station main"),
        ("root = ", "# root = ", "root is missing"),
        ("# Detente card, format 1", "# Detente card, format 2", "first line"),
    ],
)
def test_card_refusals(old: str, new: str, expected: str) -> None:
    """spec/3: every refusal names the key and what is expected."""
    with pytest.raises(Malformed, match=expected):
        parse_card(changed(CARD_TEXT, old, new))


@pytest.mark.parametrize("key", ["root", "cosigner", "pq"])
def test_key_2_types_of_keys(key: str) -> None:
    """KEY-2: each key has the type of its place."""
    lines = {line.split(" = ")[0]: line for line in CARD_TEXT.splitlines() if "+" in line}
    other = lines["cosigner" if key == "root" else "root"].split(" = ")[1]
    with pytest.raises(Malformed, match=f"{key}: expected a verifier key"):
        parse_card(changed(CARD_TEXT, lines[key], f"{key} = {other}"))
    with pytest.raises(Malformed, match=f"{key}: "):
        parse_card(changed(CARD_TEXT, lines[key], lines[key][:-9] + '"'))


@pytest.mark.parametrize(
    "octets", [b"", b"0", b"\x30\x03\x02\x01\x00", certificate("x") + b"\x00", certificate("x")[:-1]]
)
def test_certificates_are_der(octets: bytes) -> None:
    """spec/3: `tls` holds one DER certificate and nothing else."""
    with pytest.raises(LocalMisuse, match="certificate"):
        write_card(replace(CARD, stations=(replace(CARD.stations[0], tls=octets),)))


@pytest.mark.parametrize(
    "channel",
    [
        "hotline.example/abcdefghij23456",
        "hotline.example/abcdefghij234568",
        "hotline.example/ABCDEFGHIJ234567",
        "https://hotline.example/abcdefghij234567",
        "hotline.example/x/abcdefghij234567",
        "/abcdefghij234567",
        f"{'a' * 220}/abcdefghij234567",
        "hotline.example/abcdefghij234567\n",
    ],
)
def test_charter_1_channel_names(channel: str) -> None:
    """CHARTER-1: a schema-less URL that ends in 16 characters of base32."""
    with pytest.raises(LocalMisuse, match="channel"):
        write_charter(replace(CHARTER, channel=channel))


def test_charter_1_an_origin_is_a_key_name() -> None:
    """CHARTER-1, KEY-1: with the longest channel name the longest origin still has at most 255 octets."""
    channel = f"{'a' * 208}/abcdefghij234567"
    assert parse_charter(write_charter(replace(CHARTER, channel=channel))).channel == channel
    assert len(f"{channel}/{'p' * 24}/64") <= 255


def _twice(kind: str) -> Charter:
    alfa, bravo, watcher = CHARTER.parties
    first, second = alfa.stations[0], bravo.stations[0]
    assert first.cosigner is not None
    match kind:
        case "root":
            bravo = replace(bravo, root=verifier_key(bravo.root.name, ED25519, alfa.root.public))
        case "root as cosigner":
            other = verifier_key("example/other", COSIGNATURE, alfa.root.public)
            bravo = replace(bravo, stations=(replace(second, cosigner=other),))
        case "certificate":
            bravo = replace(bravo, stations=(replace(second, tls=first.tls),))
        case "key of a certificate":
            used = verifier_key("example/other", COSIGNATURE, SigningKey(seed("tls example/alfa-main")).public)
            bravo = replace(bravo, stations=(replace(second, cosigner=used),))
    return replace(CHARTER, parties=(alfa, bravo, watcher))


@pytest.mark.parametrize("kind", ["root", "root as cosigner", "certificate", "key of a certificate"])
def test_charter_3_no_key_twice(kind: str) -> None:
    """CHARTER-3, KEY-3: no raw public key or certificate occurs twice, whatever it is used for."""
    with pytest.raises(LocalMisuse) as caught:
        write_charter(_twice(kind))
    assert caught.value.rule == "CHARTER-3"


def _parties(kind: str) -> tuple[Party, ...]:
    alfa, bravo, watcher = CHARTER.parties
    match kind:
        case "one party":
            return (alfa,)
        case "one principal":
            return (alfa, watcher)
        case "too many":
            return tuple(party(f"p{number}") for number in range(17))
        case "one id twice":
            return (alfa, bravo, replace(watcher, id=PartyId("alfa")))
        case "one key name twice":
            return (alfa, replace(bravo, root=verifier_key(alfa.root.name, ED25519, bravo.root.public)))
        case "no stations":
            return (alfa, replace(bravo, stations=()))
        case _:
            return (alfa, party("bravo", "principal", *(station("bravo", f"s{number}") for number in range(9))))


@pytest.mark.parametrize(
    "kind",
    ["one party", "one principal", "too many", "one id twice", "one key name twice", "no stations", "nine stations"],
)
def test_charter_4_parties(kind: str) -> None:
    """CHARTER-4: 2 to 16 parties, two principals, different ids and key names, 1 to 8 stations."""
    with pytest.raises(LocalMisuse):
        write_charter(replace(CHARTER, parties=_parties(kind)))


def test_charter_4_as_many_as_there_can_be() -> None:
    """CHARTER-4: 16 parties fit."""
    parties = tuple(party(f"p{number}") for number in range(16))
    assert parse_charter(write_charter(replace(CHARTER, parties=parties))).parties == parties


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("protocol = 1", "protocol = 2", "protocol: expected a whole number from 1 to 1"),
        ('mode = "EXERCISE"', 'mode = "TEST"', "mode: expected one of"),
        ("number = 1", "number = 2", "amends"),
        ('amends = ""', f'amends = "{"ab" * 32}"', "amends"),
        ("[quota]", "[quote]", "quota is missing"),
        ("pq_lag_days = 7", "pq_lag_days = 7\nother = 1", "keys, other is unknown"),
        ("flash = 300", "flash = 0", "acknowledge_s, flash"),
        ("start = 20", "start = 19", "start: expected a UTC date"),
        ('languages = ["en", "uk"]', 'languages = ["en", "en"]', "languages names something twice"),
        ("[[clause]]", "[[clauses]]", "clauses is unknown"),
        ('title = "A channel for tests"', 'title = ""', "title: expected"),
    ],
)
def test_charter_refusals(old: str, new: str, expected: str) -> None:
    """spec/3: every refusal names the key and what is expected."""
    text = changed(CHARTER_TEXT, old, new)
    if old.startswith("start"):
        text = re.sub(r"start = \S+", "start = 1950-01-01T00:00:00Z", text)
    with pytest.raises(Malformed, match=expected):
        parse_charter(text)


def test_charter_helpers() -> None:
    """The places, parties and keys of a charter."""
    assert [CHARTER.place(one.id) for one in CHARTER.parties] == [0, 1, 2]
    assert CHARTER.party("bravo") is CHARTER.parties[1]
    assert [one.id for one in CHARTER.principals] == ["alfa", "bravo"]
    assert len(list(CHARTER.vkeys())) == 3 + 3 + 1
    assert CHARTER.party("alfa").station("reserve").cosigner is None
    for absent in (lambda: CHARTER.place("nobody"), lambda: CHARTER.party("alfa").station("nowhere")):
        with pytest.raises(Malformed, match="no"):
            absent()


def test_clauses_may_be_left_out() -> None:
    """spec/3: there may be no clauses."""
    assert parse_charter(write_charter(replace(CHARTER, clauses=()))).clauses == ()


# --- signatures and amendments


def test_charter_5_principals() -> None:
    """CHARTER-5: in force when every principal's root has signed; others' signatures neither help nor hurt."""
    assert principals_signed(CHARTER, signed(CHARTER_TEXT, "watcher", "bravo")) == ("bravo",)
    assert principals_missing(CHARTER, signed(CHARTER_TEXT, "watcher", "bravo")) == ("alfa",)
    assert principals_missing(CHARTER, signed(CHARTER_TEXT, "bravo", "alfa")) == ()


@pytest.mark.parametrize("signer", ["alfa", "watcher"])
def test_charter_5_note_3_a_wrong_signature_is_refused(signer: str) -> None:
    """CHARTER-5, NOTE-3: a signature of any party's root that does not verify is refused."""
    wrong = signed(f"{CHARTER_TEXT}# more\n", signer).signatures
    with pytest.raises(Malformed, match="NOTE-3"):
        principals_signed(CHARTER, Note(CHARTER_TEXT, signed(CHARTER_TEXT, "bravo").signatures + wrong))


def amendment(**changes: object) -> Charter:
    """Charter number 2 that follows CHARTER."""
    return replace(CHARTER, **{"number": 2, "amends": note_digest(CHARTER_TEXT), **changes})  # type: ignore[arg-type]


def test_charter_6_amendments() -> None:
    """CHARTER-6: the next number, the digest of the one before, parties appended, all else free."""
    joined = (*CHARTER.parties, party("delta"))
    new = parse_charter(write_charter(amendment(title="Another title", parties=joined)))
    check_amendment(CHARTER, note_digest(CHARTER_TEXT), new)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 3},
        {"amends": bytes(32)},
        {"channel": CHANNEL.replace("alfa", "beta")},
        {"mode": "REAL"},
        {"parties": CHARTER.parties[:2]},
        {"parties": (CHARTER.parties[1], CHARTER.parties[0], CHARTER.parties[2])},
        {"parties": (replace(CHARTER.parties[0], root=vkey("example/new-root", ED25519)), *CHARTER.parties[1:])},
    ],
)
def test_charter_6_refusals(changes: dict[str, object]) -> None:
    """CHARTER-6: another number, predecessor, channel, mode, place or root is no amendment."""
    with pytest.raises(Malformed) as caught:
        check_amendment(CHARTER, note_digest(CHARTER_TEXT), amendment(**changes))
    assert caught.value.rule == "CHARTER-6"


# --- book notes


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("book = 1", "book = 2", "OPEN-1"),
        ('party = "alfa"', 'party = "bravo"', "OPEN-1"),
        ("alfa-bravo-", "alfa-delta-", "OPEN-1"),
        ("book = 1", "book = 0", "book: expected"),
        ("book = 1", "book = 65", "book: expected"),
        ("protocol = 1", "protocol = 0", "protocol: expected"),
        ('station = "main"\n', "", "station is missing"),
        ('station = "main"', 'station = "main"\nstatement = "holds"', "statement is unknown"),
    ],
)
def test_open_1_refusals(old: str, new: str, expected: str) -> None:
    """OPEN-1, BOOK-1: the key is named by the origin that the other keys give; nothing else stands in the note."""
    with pytest.raises(Malformed, match=expected):
        parse_book_note(changed(BOOK_NOTE_TEXT, old, new))


def test_open_1_a_cosigner_writes_no_book() -> None:
    """KEY-2: the key of a book has type 0x01."""
    with pytest.raises(LocalMisuse, match="key: expected a verifier key"):
        write_book_note(replace(BOOK_NOTE, key=vkey(f"{CHANNEL}/alfa/1", COSIGNATURE)))
