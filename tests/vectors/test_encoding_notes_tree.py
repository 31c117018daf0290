"""vectors/encoding, notes, tree and checkpoints: the program reads, refuses and writes what stands there."""

from functools import partial

import pytest

from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import decode, encode
from detente.tlog.checkpoint import checkpoint_text, parse_checkpoint, split_cosignature, verify_cosignature
from detente.tlog.note import format_note, note_digest, parse_note, verify_note
from detente.tlog.tree import Frontier, cover, leaf_hash
from detente.tlog.vkeys import parse_vkey, verifier_key
from tests.vectors.cases import Case, every, judged, octets_of


@every("encoding", "values")
def test_cbor_values(case: Case) -> None:
    """CBOR-1, CBOR-2, CBOR-3: one value, one encoding, and nothing else."""
    octets = octets_of(case)
    if judged(case, partial(decode, octets)):
        assert encode(decode(octets)) == octets


@every("notes", "vkeys")
def test_key_1_verifier_keys(case: Case) -> None:
    """KEY-1, KEY-2."""
    if judged(case, partial(parse_vkey, case["vkey"])):
        key = parse_vkey(case["vkey"])
        assert (key.name, key.kind, key.public.hex()) == (case["key_name"], case["kind"], case["public"])
        assert key.key_id.hex() == case["key_id"]
        assert str(key) == case["vkey"]


@every("notes", "small_order")
def test_key_5_keys_of_small_order(case: Case) -> None:
    """KEY-5: neither read nor made."""
    assert not judged(case, partial(parse_vkey, case["vkey"]))
    assert not judged(case, partial(verifier_key, "alfa", case["kind"], octets_of(case, "public")))


@every("notes", "parsing")
def test_note_1_notes_are_read(case: Case) -> None:
    """NOTE-1, NOTE-2, NOTE-4: to their parts and back."""
    octets = octets_of(case)
    if judged(case, partial(parse_note, octets)):
        note = parse_note(octets)
        assert format_note(note) == octets
        if "text" in case:
            assert note.text.encode() == octets_of(case, "text")
            assert note_digest(note.text) == octets_of(case, "digest")
            assert [[s.name, s.key_id.hex(), s.signature.hex()] for s in note.signatures] == case["lines"]
        assert len(note.signatures) == case.get("signature_lines", len(note.signatures))


@every("notes", "verifying")
def test_note_3_notes_are_verified(case: Case) -> None:
    """NOTE-3: by the keys that are known."""
    note, known = parse_note(octets_of(case)), [parse_vkey(one) for one in case["known"]]
    if judged(case, partial(verify_note, note, known)):
        assert [str(key) for key in verify_note(note, known)] == case["signers"]


@every("tree", "published_leaves")
def test_tree_1_published_roots(case: Case) -> None:
    """TREE-1."""
    frontier = Frontier()
    for leaf in case["leaves"]:
        frontier = frontier.add_leaf(leaf_hash(bytes.fromhex(leaf)))
    assert frontier.root().hex() == case["root"]


def grown(size: int) -> Frontier:
    """The frontier over the leaves 0, 1, ... of 4 octets."""
    frontier = Frontier()
    for number in range(size):
        frontier = frontier.add_leaf(leaf_hash(number.to_bytes(4, "big")))
    return frontier


@every("tree", "roots")
def test_tree_1_roots(case: Case) -> None:
    """TREE-1."""
    assert grown(case["size"]).root().hex() == case["root"]


@every("tree", "frontiers")
def test_tree_3_frontiers(case: Case) -> None:
    """TREE-3."""
    assert [one.hex() for one in grown(case["size"]).hashes] == case["hashes"]


@every("tree", "covers")
def test_tree_3_covers(case: Case) -> None:
    """TREE-3."""
    assert cover(case["start"], case["stop"]) == [tuple(one) for one in case["tiles"]]


@every("tree", "tilings")
def test_tree_4_tilings(case: Case) -> None:
    """TREE-2, TREE-4: every boundary has its root."""

    def walk() -> tuple[list[list[object]], Frontier]:
        frontier = Frontier(case["start"], tuple(map(bytes.fromhex, case["frontier"])))
        boundaries: list[list[object]] = []
        for level, digest in case["items"]:
            frontier = frontier.add(level, bytes.fromhex(digest))
            boundaries.append([frontier.size, frontier.root().hex()])
        return boundaries, frontier

    if judged(case, walk):
        boundaries, frontier = walk()
        assert boundaries == case["boundaries"]
        assert [frontier.size, frontier.root().hex()] == [case["size"], case["root"]]


@every("checkpoints", "texts")
def test_head_1_texts(case: Case) -> None:
    """HEAD-1."""
    text = octets_of(case, "text").decode()
    if judged(case, partial(parse_checkpoint, text)):
        assert parse_checkpoint(text) == (case["origin"], case["size"], octets_of(case, "root"))
        assert checkpoint_text(case["origin"], case["size"], octets_of(case, "root")) == text


@every("checkpoints", "signed")
def test_head_2_signed_by_the_owner(case: Case) -> None:
    """HEAD-2."""
    note, owner = parse_note(octets_of(case)), parse_vkey(case["owner"])
    if judged(case, partial(verify_note, note, [owner])):
        assert verify_note(note, [owner]) == (owner,)
        assert parse_checkpoint(note.text).origin == owner.name


@every("checkpoints", "cosignatures")
def test_receipt_2_cosignatures(case: Case) -> None:
    """RECEIPT-1, RECEIPT-2. A cosignature is no note of its own, so the answer is yes or no."""
    found = verify_cosignature(parse_vkey(case["vkey"]), octets_of(case, "text").decode(), octets_of(case, "signature"))
    assert (found is not None) == case["good"]
    if case["good"]:
        assert found == case["timestamp"]
        assert split_cosignature(octets_of(case, "signature"))[0] == case["timestamp"]


def test_a_bad_case_that_is_read_is_noticed() -> None:
    """The judge itself: what is read without complaint, or refused by another rule, fails."""
    case = {"name": "x", "good": False, "rules": ["CBOR-1"]}
    with pytest.raises(pytest.fail.Exception):
        judged(case, partial(decode, b"\x00"))
    with pytest.raises(AssertionError):
        judged(case, partial(decode, b"\x18\x00"))
    with pytest.raises(LocalMisuse):
        judged(case, partial(encode, "\ud800"))
    with pytest.raises(Malformed):
        decode(b"\x18\x00")
