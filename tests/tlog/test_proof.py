"""Inclusion and consistency proofs: every published case, and the naive tree."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import LocalMisuse
from detente.tlog.proof import (
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
    verify_subtree,
)
from detente.tlog.tree import Frontier, append
from tests.tlog import naive

LEAVES = [naive.leaf(number) for number in range(1_200)]

sizes = st.integers(1, 1_200)


def store() -> naive.Store:
    """The stored hashes of LEAVES."""
    kept = naive.Store()
    for index, value in enumerate(LEAVES):
        kept.put(0, index, value)
    for level, index, value in append(Frontier(), LEAVES)[1]:
        kept.put(level, index, value)
    return kept


READ = store().read


def test_every_published_case_is_judged_as_published(shared_data: Path) -> None:
    """518 good and bad proofs, of inclusion and consistency, in trees and in subtrees.

    Eight good ones are refused on purpose: six of empty subtrees, which prove nothing, and two whose roots are not of
    32 octets.
    """
    cases = json.loads((shared_data / "badinput" / "merkle_testdata.json").read_text())
    assert len(cases) == 518
    assert not [case["path"] for case in cases if case["wantErr"] and holds(case)]
    refused = [case for case in cases if not case["wantErr"] and not holds(case)]
    assert all(case.get("start", 0) == case.get("end", 1) or len(b64decode(case["root1"])) != 32 for case in refused)
    assert len(refused) == 8


@given(sizes, st.data())
def test_inclusion_proofs_are_those_of_rfc_6962(size: int, data: st.DataObject) -> None:
    """RFC 6962, 2.1.1: made as defined, and verified; for no other leaf, index or size."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(READ, index, size)
    root = naive.root(LEAVES[:size])
    assert proof == naive.path(index, LEAVES[:size])
    assert verify_inclusion(LEAVES[index], index, size, root, proof)
    assert not verify_inclusion(LEAVES[(index + 1) % len(LEAVES)], index, size, root, proof)
    assert not verify_inclusion(LEAVES[index], index + size, size, root, proof)
    assert not verify_inclusion(LEAVES[index], index, size, naive.leaf(0)[::-1], proof)
    for other in data.draw(st.lists(st.integers(0, size - 1), max_size=5)):
        assert verify_inclusion(LEAVES[index], other, size, root, proof) == (other == index)


@given(sizes, sizes)
def test_consistency_proofs_are_those_of_rfc_6962(one: int, other: int) -> None:
    """RFC 6962, 2.1.2: made as defined, and verified; for no other root or size."""
    old, new = sorted((one, other))
    proof = consistency_proof(READ, old, new)
    old_root, new_root = naive.root(LEAVES[:old]), naive.root(LEAVES[:new])
    assert proof == naive.proof(old, LEAVES[:new])
    assert verify_consistency(old, new, old_root, new_root, proof)
    assert not verify_consistency(old, new, old_root[::-1], new_root, proof)
    assert not verify_consistency(old, new, old_root, new_root[::-1], proof)
    assert not verify_consistency(new + 1, old, old_root, new_root, proof)
    assert not verify_consistency(0, new, old_root, new_root, proof)


@given(sizes, sizes, st.data())
def test_one_changed_bit_ends_a_proof(one: int, other: int, data: st.DataObject) -> None:
    """No hash of a proof is free, and none can be left out or added."""
    old, new = sorted((one, other))
    proof = consistency_proof(READ, old, new)
    old_root, new_root = naive.root(LEAVES[:old]), naive.root(LEAVES[:new])
    for changed in changes(proof, data):
        assert not verify_consistency(old, new, old_root, new_root, changed)
    for changed in changes(inclusion_proof(READ, old - 1, new), data):
        assert not verify_inclusion(LEAVES[old - 1], old - 1, new, new_root, changed)


@given(st.integers(0, 9), sizes, st.data())
def test_a_whole_subtree_is_proved_as_a_leaf_is(level: int, size: int, data: st.DataObject) -> None:
    """TREE-2: an aligned subtree is a leaf of the tree of its level, so its proof is a part of a leaf's."""
    if size < 1 << level:
        return
    index = data.draw(st.integers(0, (size >> level) - 1))
    start, stop = index << level, (index + 1) << level
    proof = inclusion_proof(READ, start, size)[level:]
    subtree, root = naive.root(LEAVES[start:stop]), naive.root(LEAVES[:size])
    assert verify_subtree(start, stop, size, subtree, root, proof)
    assert not verify_subtree(start, stop, size, subtree[::-1], root, proof)


def test_what_cannot_be_proved_is_our_mistake() -> None:
    """An entry outside the tree, a smaller new tree, and an empty old one."""
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(LocalMisuse):
            inclusion_proof(READ, index, size)
    for old, new in ((0, 5), (6, 5)):
        with pytest.raises(LocalMisuse):
            consistency_proof(READ, old, new)


def changes(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The proof with a bit changed, without each of its ends, with a hash too many, and with a hash cut short."""
    changed = [[*proof, LEAVES[0]], [LEAVES[0], *proof]]
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        flipped = (int.from_bytes(proof[place]) ^ 1 << data.draw(st.integers(0, 255))).to_bytes(32)
        changed += [proof[1:], proof[:-1]]
        changed += [[*proof[:place], part, *proof[place + 1 :]] for part in (flipped, proof[place][:-1])]
    return changed


def holds(case: dict[str, Any]) -> bool:
    """The answer of the verifier to a published case."""
    kind = case["path"].split("/")[1]
    proof = [b64decode(part) for part in case["proof"] or []]
    if kind == "inclusion":
        leaf, root = b64decode(case["leafHash"]), b64decode(case["root"])
        return verify_inclusion(leaf, case["leafIdx"], case["treeSize"], root, proof)
    if kind == "subtreeinclusion":  # a leaf within a subtree is a leaf within a tree of the subtree's length
        leaf, root, start, stop = b64decode(case["leafHash"]), b64decode(case["root"]), case["start"], case["end"]
        aligned = start & ((1 << max(stop - start - 1, 0).bit_length()) - 1) == 0
        return aligned and verify_inclusion(leaf, case["leafIdx"] - start, stop - start, root, proof)
    one, other = b64decode(case["root1"]), b64decode(case["root2"])
    if kind == "consistency":
        return verify_consistency(case["size1"], case["size2"], one, other, proof)
    return verify_subtree(case["start"], case["end"], case["size"], one, other, proof)
