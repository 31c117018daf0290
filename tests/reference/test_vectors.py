"""Every case of every file in vectors/ against this reader: here encoding to contents, the others beside it.

The files with more are test_vectors_charters.py, test_vectors_books.py, test_vectors_frames.py and so on.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.reference import checkpoints, contents, encoding, keys, notes, padding, sealing, tree
from tests.reference.cases import VECTORS, Case, cases, dictionary, load, octets_of, refused
from tests.reference.diagnostic import parse_diagnostic

if TYPE_CHECKING:
    from pathlib import Path

TESTED = {
    "encoding.json": {"values"},
    "notes.json": {"vkeys", "small_order", "parsing", "verifying"},
    "tree.json": {"published_leaves", "roots", "covers", "frontiers", "tilings"},
    "checkpoints.json": {"texts", "signed", "cosignatures"},
    "padding.json": {"sizes", "dictionary", "padded"},
    "contents.json": {"contents", "references", "parts"},
    "charters.json": {"cards", "signed_cards", "charters", "notes", "chains", "book_notes"},
    "books.json": {"leaves", "bodies", "views", "notes", "entries", "records"},
    "sealing.json": {"checks", "reader_keys", "wraps", "epochs", "messages", "bodies"},
    "reading.json": {"orders", "ladders"},
    "frames.json": {"shapes", "streams", "notes", "frames", "receiving", "answers", "giving"},
    "bundles.json": {"pieces", "texts", "roots", "bundles", "bits"},
    "random.json": {"octets"},
}


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.name)
def test_every_group_is_tested(path: Path) -> None:
    """No file and no group is left out."""
    assert set(load(path.name)) - {"header"} == TESTED.get(path.name)


@cases("encoding.json", "values")
def test_encoding(case: Case) -> None:
    """Octets decode to the stated value and encode to the same octets."""
    octets = octets_of(case)
    if not case["good"]:
        refused(case, lambda: encoding.decode(octets))
        return
    value = encoding.decode(octets)
    assert value == parse_diagnostic(case["diagnostic"])
    assert encoding.encode(value) == octets


@cases("notes.json", "vkeys")
def test_vkeys(case: Case) -> None:
    """A vkey is read and written."""
    if not case["good"]:
        refused(case, lambda: keys.parse_vkey(case["vkey"]))
        return
    key = keys.parse_vkey(case["vkey"])
    found = (key.name, key.kind, key.public.hex(), key.key_id.hex())
    assert found == (case["key_name"], case["kind"], case["public"], case["key_id"])
    assert str(key) == case["vkey"]


@cases("notes.json", "small_order")
def test_small_order(case: Case) -> None:
    """Points of small order are no keys."""
    if not case["good"]:
        refused(case, lambda: keys.check_public_key(case["kind"], bytes.fromhex(case["public"])))
        refused(case, lambda: keys.parse_vkey(case["vkey"]))
        return
    assert str(keys.parse_vkey(case["vkey"])) == case["vkey"]


@cases("notes.json", "parsing")
def test_notes(case: Case) -> None:
    """A note is read and written."""
    octets = octets_of(case)
    if not case["good"]:
        refused(case, lambda: notes.parse_note(octets))
        return
    note = notes.parse_note(octets)
    assert note.write() == octets
    if "text" in case:
        assert note.text.hex() == case["text"]
        assert [[line.name, line.key_id.hex(), line.signature.hex()] for line in note.lines] == case["lines"]
        assert note.digest.hex() == case["digest"]
    if "signature_lines" in case:
        assert len(note.lines) == case["signature_lines"]


@cases("notes.json", "verifying")
def test_signers(case: Case) -> None:
    """The stated keys have signed."""
    note = notes.parse_note(octets_of(case))
    known = [keys.parse_vkey(vkey) for vkey in case["known"]]
    if not case["good"]:
        refused(case, lambda: notes.signers(note, known))
        return
    assert [str(key) for key in notes.signers(note, known)] == case["signers"]


@cases("tree.json", "published_leaves")
def test_published_leaves(case: Case) -> None:
    """The root over the leaves."""
    assert tree.root_of(bytes.fromhex(leaf) for leaf in case["leaves"]).hex() == case["root"]


@cases("tree.json", "roots")
def test_roots(case: Case) -> None:
    """The root over counted leaves."""
    assert tree.root_of(number.to_bytes(4, "big") for number in range(case["size"])).hex() == case["root"]


@cases("tree.json", "covers")
def test_covers(case: Case) -> None:
    """The cover of a range."""
    assert tree.cover(case["start"], case["stop"]) == [tuple(tile) for tile in case["tiles"]]


@cases("tree.json", "frontiers")
def test_frontiers(case: Case) -> None:
    """The frontier over counted leaves."""
    fold = tree.Fold()
    for number in range(case["size"]):
        fold.add(0, tree.leaf_hash(number.to_bytes(4, "big")))
    assert [hashed.hex() for hashed in fold.frontier()] == case["hashes"]


@cases("tree.json", "tilings")
def test_tilings(case: Case) -> None:
    """A tiling leads to the stated roots."""
    frontier = [bytes.fromhex(hashed) for hashed in case["frontier"]]
    items = [(level, bytes.fromhex(hashed)) for level, hashed in case["items"]]
    if not case["good"]:
        refused(case, lambda: tree.boundaries(case["start"], frontier, items))
        return
    found = tree.boundaries(case["start"], frontier, items)
    assert [[size, root.hex()] for size, root in found] == case["boundaries"]
    fold = tree.Fold(case["start"], frontier)
    for level, hashed in items:
        fold.add(level, hashed)
    assert (fold.size, fold.root().hex()) == (case["size"], case["root"])


@cases("checkpoints.json", "texts")
def test_checkpoint_texts(case: Case) -> None:
    """The text of a checkpoint is read and written."""
    text = octets_of(case, "text")
    if not case["good"]:
        refused(case, lambda: checkpoints.parse_checkpoint(text))
        return
    checkpoint = checkpoints.parse_checkpoint(text)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root.hex()) == (case["origin"], case["size"], case["root"])
    assert checkpoint.text() == text


@cases("checkpoints.json", "signed")
def test_signed_checkpoints(case: Case) -> None:
    """A checkpoint is signed by its owner."""
    owner = keys.parse_vkey(case["owner"])
    if not case["good"]:
        refused(case, lambda: notes.parse_head(octets_of(case), owner))
        return
    assert notes.parse_head(octets_of(case), owner)[0].origin == owner.name


@cases("checkpoints.json", "cosignatures")
def test_cosignatures(case: Case) -> None:
    """A cosignature verifies."""
    key, text, signature = keys.parse_vkey(case["vkey"]), octets_of(case, "text"), octets_of(case, "signature")
    if not case["good"]:
        refused(case, lambda: checkpoints.verify_cosignature(key, text, signature))
        return
    assert checkpoints.verify_cosignature(key, text, signature) == case["timestamp"]
    assert checkpoints.cosigned_message(key, case["timestamp"], text).hex() == case["message"]


def test_sizes() -> None:
    """The allowed sizes of a padded plaintext."""
    found = sorted({padding.padded_size(length) for length in range(3, padding.MAXIMUM_PLAINTEXT + 1)})
    assert found == load("padding.json")["sizes"]


def test_dictionary() -> None:
    """The digest of the dictionary."""
    assert encoding.sha256(dictionary()).hex() == load("padding.json")["dictionary"]["sha256"]


@cases("padding.json", "padded")
def test_padded(case: Case) -> None:
    """A padded plaintext is read to its content."""
    plaintext, known = octets_of(case, "p"), dictionary() if case["dictionary"] else None
    if not case["good"]:
        refused(case, lambda: padding.content_of(plaintext, known))
        refused(case, lambda: sealing.read_plaintext(plaintext, known))
        return
    content = padding.content_of(plaintext, known)
    if "content" in case:
        assert content.hex() == case["content"]
    else:
        assert (len(content), hashlib.sha256(content).hexdigest()) == (case["content_octets"], case["content_sha256"])


@cases("contents.json", "contents")
def test_contents(case: Case) -> None:
    """A content is read and written."""
    octets = octets_of(case)
    if not case["good"]:
        refused(case, lambda: contents.read_content(octets))
        return
    content = contents.read_content(octets)
    assert content == parse_diagnostic(case["diagnostic"])
    assert encoding.encode(content) == octets


@cases("contents.json", "references")
def test_references(case: Case) -> None:
    """A reference is written as people do, and read."""
    reference = contents.read_reference(case["reference"])
    assert str(reference) == case["text"]
    assert contents.parse_reference(case["text"]) == reference


@cases("contents.json", "parts")
def test_parts(case: Case) -> None:
    """Texts in parts are joined."""
    entries = [
        (contents.read_reference(reference), contents.read_content(bytes.fromhex(octets)))
        for reference, octets in case["entries"]
    ]
    found = contents.whole_texts(entries)
    assert found == {contents.read_reference(reference): text for reference, text in case["wholes"]}
