"""NOTE-1 to NOTE-4, KEY-1, KEY-2: notes and keys have one encoding, and a failing signature is never passed over."""

import re
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.crypto.hashing import sha256
from detente.crypto.signing import PqSigningKey, SigningKey
from detente.errors import LocalMisuse, Malformed
from detente.limits import NOTE_OCTETS_MAX, NOTE_SIGNATURES_MAX
from detente.tlog.checkpoint import checkpoint_text, cosign, cosign_pq
from detente.tlog.note import (
    Note,
    NoteSignature,
    format_note,
    note_digest,
    parse_note,
    parse_vkey,
    sign_note,
    signature_line,
    verifier_key,
    verify_note,
)
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE

KEY = SigningKey(bytes(range(32)))
PQ_KEY = PqSigningKey(bytes(range(32)))
VKEY = verifier_key("example.com/alfa", ED25519, KEY.public)
TEXT = "first line\n\nthird line\n"
NOTE = Note(TEXT, (sign_note(TEXT, KEY, VKEY.name),))
DASH = "\u2014".encode()

key_names = st.text(st.characters(exclude_characters="+\x7f", exclude_categories=["Cs", "Cc", "Z"]), min_size=1).filter(
    lambda name: not any(c.isspace() for c in name) and len(name.encode()) <= 255
)
lines = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=30)
texts = st.lists(lines, min_size=1, max_size=5).map(lambda parts: "".join(f"{part}\n" for part in parts))
signatures = st.builds(NoteSignature, key_names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
notes = st.builds(Note, texts, st.lists(signatures, min_size=1, max_size=4).map(tuple))


@given(notes)
def test_note_1_every_note_comes_back(note: Note) -> None:
    """NOTE-1: what is written is read."""
    assert parse_note(format_note(note)) == note


@given(notes, st.data())
def test_note_1_one_note_has_one_encoding(note: Note, data: st.DataObject) -> None:
    """NOTE-1: whatever octets are accepted, writing what was read gives the same octets."""
    octets = bytearray(format_note(note))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(octets) - 1))
        octets[place : place + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b"\n", b"=", b"A", b" "])
        )
    try:
        read = parse_note(bytes(octets))
    except Malformed:
        return
    assert format_note(read) == octets


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"text\n", id="no signatures"),
        pytest.param(b"text\n\n", id="an empty line and no signatures"),
        pytest.param(b"text\n" + DASH + b" a AAAAAAA=\n", id="no empty line"),
        pytest.param(b"text\n\n" + DASH + b" a AAAAAAA=", id="no last newline"),
        pytest.param(b"text\n\n" + DASH + b" a AAAAAAA=\n\n", id="an empty line at the end"),
        pytest.param(b"text\n\n- a AAAAAAA=\n", id="a hyphen"),
        pytest.param(b"text\n\n" + DASH + b"  a AAAAAAA=\n", id="two spaces"),
        pytest.param(b"text\n\n" + DASH + b" a AAAAAAA= \n", id="a space at the end"),
        pytest.param(b"text\n\n" + DASH + b" a+b AAAAAAA=\n", id="a plus in the name"),
        pytest.param(b"text\n\n" + DASH + b" \xc2\xa0 AAAAAAA=\n", id="a Unicode space as name"),
        pytest.param(b"text\n\n" + DASH + b" " + b"a" * 256 + b" AAAAAAA=\n", id="a long name"),
        pytest.param(b"text\n\n" + DASH + b" a AAAAAA==\n", id="a key id and no signature"),
        pytest.param(b"text\n\n" + DASH + b" a AAAAAAB=\n", id="free bits in base64"),
        pytest.param(b"text\n\n" + DASH + b" a AAAAAAA\n", id="no padding"),
        pytest.param(b"text\n\n" + DASH + b" a AAAAA-A=\n", id="another alphabet"),
        pytest.param(b"text\n\n" + DASH + b" a AAAA=AAA=\n", id="padding inside"),
        pytest.param(b"te\txt\n\n" + DASH + b" a AAAAAAA=\n", id="a tab"),
        pytest.param(b"te\rxt\n\n" + DASH + b" a AAAAAAA=\n", id="a carriage return"),
        pytest.param(b"te\x7fxt\n\n" + DASH + b" a AAAAAAA=\n", id="a delete"),
        pytest.param(b"te\0xt\n\n" + DASH + b" a AAAAAAA=\n", id="a zero octet"),
        pytest.param(b"te\xffxt\n\n" + DASH + b" a AAAAAAA=\n", id="not UTF-8"),
        pytest.param(b"te\xed\xa0\x80xt\n\n" + DASH + b" a AAAAAAA=\n", id="a surrogate"),
        pytest.param(b"te\xc0\x80xt\n\n" + DASH + b" a AAAAAAA=\n", id="an overlong zero"),
    ],
)
def test_note_1_what_is_no_note_is_malformed(octets: bytes) -> None:
    """NOTE-1: refused, not repaired."""
    assert parse_note(b"text\n\n" + DASH + b" a AAAAAAA=\n").signatures == (NoteSignature("a", bytes(4), b"\0"),)
    with pytest.raises(Malformed):
        parse_note(octets)


def test_note_2_signatures_and_octets_are_bounded() -> None:
    """NOTE-2: 64 signatures and 262,144 octets are read, one more is not."""
    line = DASH + b" a AAAAAAA=\n"
    assert len(parse_note(b"text\n\n" + line * NOTE_SIGNATURES_MAX).signatures) == 64
    with pytest.raises(Malformed, match="NOTE-2"):
        parse_note(b"text\n\n" + line * (NOTE_SIGNATURES_MAX + 1))
    largest = b"x" * (NOTE_OCTETS_MAX - len(b"\n\n" + line)) + b"\n\n" + line
    assert len(format_note(parse_note(largest))) == 262_144
    with pytest.raises(Malformed, match="NOTE-2"):
        parse_note(b"x" + largest)


@pytest.mark.parametrize(
    "note",
    [
        Note(TEXT, ()),
        Note("no newline", NOTE.signatures),
        Note("", NOTE.signatures),
        Note("a\tb\n", NOTE.signatures),
        Note("\ud800\n", NOTE.signatures),
        Note(TEXT, (NoteSignature("a b", bytes(4), b"x"),)),
        Note(TEXT, (NoteSignature("a", bytes(3), b"xx"),)),
    ],
)
def test_what_is_no_note_is_not_written(note: Note) -> None:
    """A value that would not come back is our caller's mistake."""
    with pytest.raises(LocalMisuse):
        format_note(note)


def test_note_3_a_known_key_must_verify() -> None:
    """NOTE-3: a failing line of a known key refuses the note, even beside a good one."""
    bad = NoteSignature(VKEY.name, VKEY.key_id, bytes(64))
    assert verify_note(NOTE, [VKEY]) == (VKEY,)
    for lines_of_note in ((bad,), (*NOTE.signatures, bad), (bad, *NOTE.signatures)):
        with pytest.raises(Malformed) as caught:
            verify_note(Note(TEXT, lines_of_note), [VKEY])
        assert caught.value.rule == "NOTE-3"
    with pytest.raises(Malformed):
        verify_note(Note(TEXT + "more\n", NOTE.signatures), [VKEY])


def test_note_3_lines_of_unknown_keys_are_passed_over() -> None:
    """NOTE-3: the same name with another id, or the same id with another name, is another key."""
    other_name = NoteSignature("example.com/bravo", VKEY.key_id, bytes(64))
    other_id = NoteSignature(VKEY.name, bytes(4), bytes(64))
    assert verify_note(Note(TEXT, (other_name, other_id, *NOTE.signatures)), [VKEY]) == (VKEY,)
    assert verify_note(Note(TEXT, (other_name, other_id)), [VKEY]) == ()
    assert verify_note(NOTE, []) == ()


def test_a_signer_counts_once() -> None:
    """A line that stands twice makes no two signers."""
    assert verify_note(Note(TEXT, NOTE.signatures * 2), [VKEY, VKEY]) == (VKEY,)


def test_keys_that_cannot_be_told_apart_are_refused() -> None:
    """KEY-1: ids have 32 bits, so two keys of one name can be made to share one."""
    other = verifier_key(VKEY.name, ED25519, PQ_KEY.public[:32])
    twin = type("Twin", (type(other),), {"key_id": VKEY.key_id})(*other)
    with pytest.raises(Malformed, match="share"):
        verify_note(NOTE, [VKEY, twin])


def test_note_4_a_signature_does_not_change_the_digest() -> None:
    """NOTE-4: the digest is of the text with its last newline, and of nothing else."""
    assert note_digest(TEXT) == sha256(TEXT.encode())
    signed_twice = Note(TEXT, NOTE.signatures * 2)
    assert note_digest(parse_note(format_note(signed_twice)).text) == note_digest(TEXT)


def test_a_note_gathers_all_three_kinds_of_signatures() -> None:
    """KEY-2: owner, cosigner and post-quantum cosigner on one checkpoint; cosignatures hold on checkpoints only."""
    text = checkpoint_text("example.com/alfa", 7, bytes(32))
    vkeys = [VKEY, verifier_key("c", COSIGNATURE, KEY.public), verifier_key("p", PQ_COSIGNATURE, PQ_KEY.public)]
    blobs = [KEY.sign(text.encode()), cosign(KEY, text, 1), cosign_pq(PQ_KEY, "p", text, 1)]
    note = Note(text, tuple(signature_line(vkey, blob) for vkey, blob in zip(vkeys, blobs, strict=True)))
    assert verify_note(parse_note(format_note(note)), vkeys) == tuple(vkeys)
    with pytest.raises(Malformed):
        verify_note(Note(TEXT, (signature_line(vkeys[1], cosign(KEY, TEXT, 1)),)), vkeys)


@given(key_names, st.binary(min_size=32, max_size=32), st.sampled_from([ED25519, COSIGNATURE]))
def test_key_1_a_verifier_key_comes_back(name: str, seed: bytes, kind: int) -> None:
    """KEY-1: one text for one key; the id is the hash of all of it."""
    public = SigningKey.from_seed(seed).public
    vkey = verifier_key(name, kind, public)
    assert parse_vkey(str(vkey)) == vkey
    assert vkey.key_id == sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]


def test_key_2_a_post_quantum_key_comes_back() -> None:
    """KEY-2: type 0x06 has 1,312 octets."""
    vkey = verifier_key("p", PQ_COSIGNATURE, PQ_KEY.public)
    assert parse_vkey(str(vkey)) == vkey


@given(st.integers(0, 200), st.sampled_from(" +=A0\u00e9\n"))
def test_key_1_a_changed_verifier_key_is_malformed(place: int, character: str) -> None:
    """KEY-1: nothing in the text is free; the id holds name, type and key together."""
    text = str(VKEY)
    place %= len(text)
    if text[place] == character:
        return
    with pytest.raises(Malformed):
        parse_vkey(text[:place] + character + text[place + 1 :])


@pytest.mark.parametrize(
    ("name", "kind", "public"),
    [
        ("", ED25519, bytes(32)),
        ("a b", ED25519, bytes(32)),
        ("a\u2003b", ED25519, bytes(32)),
        ("a\x1fb", ED25519, bytes(32)),
        ("a\x7fb", ED25519, bytes(32)),
        ("a+b", ED25519, bytes(32)),
        ("\ud800", ED25519, bytes(32)),
        ("\u00e9" * 128, ED25519, bytes(32)),
        ("a", 0x02, bytes(32)),
        ("a", ED25519, bytes(33)),
        ("a", COSIGNATURE, bytes(1312)),
        ("a", PQ_COSIGNATURE, bytes(32)),
    ],
)
def test_key_2_other_names_types_and_lengths_are_malformed(name: str, kind: int, public: bytes) -> None:
    """KEY-1, KEY-2."""
    with pytest.raises(Malformed):
        verifier_key(name, kind, public)


def test_key_1_an_empty_key_is_malformed() -> None:
    """KEY-1: a verifier key holds a type at least."""
    with pytest.raises(Malformed, match="holds no key"):
        parse_vkey("a+00000000+")


def test_the_examples_of_c2sp_are_read(shared_data: Path) -> None:
    """C2SP signed-note: its example verifies under its example key; its other example comes back as written."""
    page = (shared_data / "specs" / "c2sp" / "signed-note.md").read_text()
    examples = [example.encode() for example in re.findall(r"```\n(.*?)```", page, re.DOTALL)]
    vkey = re.search(r"^    (example\.com/foo\+\S+)$", page, re.MULTILINE)
    assert vkey
    assert len(examples) == 2
    assert [format_note(parse_note(example)) for example in examples] == examples
    assert verify_note(parse_note(examples[1]), [parse_vkey(vkey[1])]) == (parse_vkey(vkey[1]),)


def test_base64_is_that_of_the_standard_library() -> None:
    """NOTE-1: standard alphabet, padded."""
    (line,) = NOTE.signatures
    assert b64encode(line.key_id + line.signature) in format_note(NOTE)
    assert b64decode(str(VKEY).split("+", 2)[2]) == b"\1" + KEY.public
