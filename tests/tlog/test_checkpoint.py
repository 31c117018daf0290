"""HEAD-1 and RECEIPT-2: checkpoints and the two cosignatures over them."""

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.crypto.signing import PqSigningKey, SigningKey, verify_ed25519, verify_mldsa44
from detente.errors import LocalMisuse, Malformed
from detente.tlog.checkpoint import (
    Checkpoint,
    checkpoint_text,
    cosign,
    cosign_pq,
    join_cosignature,
    parse_checkpoint,
    split_cosignature,
    verify_cosignature,
)
from detente.tlog.note import format_note, parse_note, verifier_key
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE

KEY = SigningKey(bytes(range(32)))
PQ_KEY = PqSigningKey(bytes(range(32)))
COSIGNER = verifier_key("example.com/bravo/main", COSIGNATURE, KEY.public)
PQ_COSIGNER = verifier_key("example.com/bravo/main", PQ_COSIGNATURE, PQ_KEY.public)
ORIGIN, ROOT = "example.com/alfa/1", bytes(range(32))
TEXT = checkpoint_text(ORIGIN, 17, ROOT)
TIME_S = 1_700_000_000

checkpoints = st.builds(
    Checkpoint,
    st.text(
        st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60
    ),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)


@given(checkpoints)
def test_head_1_a_checkpoint_comes_back(checkpoint: Checkpoint) -> None:
    """HEAD-1: three lines, and one text for one head."""
    assert parse_checkpoint(checkpoint_text(*checkpoint)) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        TEXT + "an extension\n",
        TEXT + "\n",
        TEXT.replace("17", "017"),
        TEXT.replace("17", "+17"),
        TEXT.replace("17", "-17"),
        TEXT.replace("17", "17 "),
        TEXT.replace("17", "\u0661"),
        TEXT.replace("17", str(2**63)),
        TEXT.replace("17", "1" * 20),
        TEXT.replace(ORIGIN, ""),
        TEXT.replace(ORIGIN, "a\tb"),
        TEXT.replace(ORIGIN, "a" * 256),
        TEXT.replace(ORIGIN, "a\ud800"),
        checkpoint_text(ORIGIN, 17, ROOT[:-1]),
        TEXT.replace("8=", "9="),
    ],
)
def test_head_1_what_is_no_checkpoint_is_malformed(text: str) -> None:
    """HEAD-1: no extension lines, no other ways to write a number or a root."""
    with pytest.raises(Malformed) as caught:
        parse_checkpoint(text)
    assert caught.value.rule == "HEAD-1"


def test_receipt_2_the_ed25519_message_is_that_of_the_spec() -> None:
    """RECEIPT-2: header, time and the whole text are signed; the octets begin with the time."""
    blob = cosign(KEY, TEXT, TIME_S)
    assert len(blob) == 72
    assert blob[:8] == TIME_S.to_bytes(8)
    assert verify_ed25519(KEY.public, b"cosignature/v1\ntime 1700000000\n" + TEXT.encode(), blob[8:])
    assert verify_cosignature(COSIGNER, TEXT, blob) == TIME_S


def test_receipt_2_the_mldsa_message_is_that_of_the_spec() -> None:
    """RECEIPT-2: the cosigned_message of C2SP tlog-cosignature with start 0."""
    blob = cosign_pq(PQ_KEY, PQ_COSIGNER.name, TEXT, TIME_S)
    name, origin = PQ_COSIGNER.name.encode(), ORIGIN.encode()
    layout = f">12sB{len(name)}sQB{len(origin)}sQQ32s"
    message = struct.pack(layout, b"subtree/v1\n\0", len(name), name, TIME_S, len(origin), origin, 0, 17, ROOT)
    assert len(blob) == 2428
    assert verify_mldsa44(PQ_KEY.public, message, blob[8:])
    assert verify_cosignature(PQ_COSIGNER, TEXT, blob) == TIME_S


@given(st.integers(0, 72 * 8 - 1))
def test_receipt_2_one_changed_bit_ends_a_cosignature(bit: int) -> None:
    """RECEIPT-2: neither the time nor the signature can be changed."""
    blob = bytearray(cosign(KEY, TEXT, TIME_S))
    blob[bit // 8] ^= 1 << bit % 8
    assert verify_cosignature(COSIGNER, TEXT, bytes(blob)) is None


@given(st.one_of(st.integers(0, 8 * 8 - 1), st.integers(0, 2428 * 8 - 1)))
def test_receipt_2_one_changed_bit_ends_a_pq_cosignature(bit: int) -> None:
    """RECEIPT-2: as above for type 0x06."""
    blob = bytearray(cosign_pq(PQ_KEY, PQ_COSIGNER.name, TEXT, TIME_S))
    blob[bit // 8] ^= 1 << bit % 8
    assert verify_cosignature(PQ_COSIGNER, TEXT, bytes(blob)) is None


def test_a_cosignature_holds_for_its_checkpoint_key_and_type_only() -> None:
    """RECEIPT-1: another head, another cosigner, another type and another kind of text are refused."""
    blob, pq_blob = cosign(KEY, TEXT, TIME_S), cosign_pq(PQ_KEY, PQ_COSIGNER.name, TEXT, TIME_S)
    for other in (
        checkpoint_text(ORIGIN, 18, ROOT),
        checkpoint_text("example.com/alfa/2", 17, ROOT),
        checkpoint_text(ORIGIN, 17, ROOT[::-1]),
        "no checkpoint\n",
    ):
        assert verify_cosignature(COSIGNER, other, blob) is None
        assert verify_cosignature(PQ_COSIGNER, other, pq_blob) is None
    assert verify_cosignature(PQ_COSIGNER._replace(name="example.com/charlie"), TEXT, pq_blob) is None
    assert verify_cosignature(PQ_COSIGNER, TEXT, blob) is None
    assert verify_cosignature(COSIGNER, TEXT, pq_blob) is None
    assert verify_cosignature(verifier_key("a", ED25519, KEY.public), TEXT, blob) is None
    assert verify_cosignature(COSIGNER, TEXT, b"") is None


def test_a_cosignature_never_covers_what_is_no_checkpoint() -> None:
    """RECEIPT-1: even a valid signature over the right prefix is refused over another text."""
    assert verify_cosignature(COSIGNER, "a statement\n", cosign(KEY, "a statement\n", TIME_S)) is None


def test_the_owner_s_signature_is_no_cosignature() -> None:
    """KEY-2: the types sign different octets."""
    assert verify_cosignature(COSIGNER, TEXT, TIME_S.to_bytes(8) + KEY.sign(TEXT.encode())) is None


@pytest.mark.parametrize("timestamp_s", [-1, 2**63])
def test_a_time_that_is_none_is_not_signed(timestamp_s: int) -> None:
    """C2SP: at most 2^63 - 1; a clock that says otherwise is our own fault."""
    with pytest.raises(LocalMisuse):
        cosign(KEY, TEXT, timestamp_s)
    with pytest.raises(LocalMisuse):
        cosign_pq(PQ_KEY, "a", TEXT, timestamp_s)
    with pytest.raises(LocalMisuse):
        join_cosignature(timestamp_s, bytes(64))


def test_a_time_beyond_the_maximum_is_refused() -> None:
    """C2SP: at most 2^63 - 1, even if it is signed."""
    message = f"cosignature/v1\ntime {2**63}\n{TEXT}".encode()
    assert verify_cosignature(COSIGNER, TEXT, (2**63).to_bytes(8) + KEY.sign(message)) is None


@given(st.integers(0, 2**63 - 1), st.sampled_from([64, 2420]))
def test_time_and_signature_are_taken_apart_and_joined(timestamp_s: int, length_octets: int) -> None:
    """RECEIPT-2, FRAME-9: frames carry the two apart."""
    signature = bytes(length_octets)
    assert split_cosignature(join_cosignature(timestamp_s, signature)) == (timestamp_s, signature)
    with pytest.raises(Malformed):
        split_cosignature(join_cosignature(timestamp_s, signature + b"\0"))


def test_the_example_of_c2sp_is_read(shared_data: Path) -> None:
    """C2SP tlog-cosignature: a checkpoint with two lines, the second of 4 + 8 + 64 octets."""
    page = (shared_data / "specs" / "c2sp" / "tlog-cosignature.md").read_text()
    example = re.search(r"```\n(example.*?)```", page, re.DOTALL)
    assert example
    note = parse_note(example[1].encode())
    assert format_note(note) == example[1].encode()
    assert parse_checkpoint(note.text)[:2] == ("example.com/behind-the-sofa", 20852163)
    assert split_cosignature(note.signatures[1].signature)[0] == 1_679_315_147
