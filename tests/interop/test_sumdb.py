"""Go's own transparency log packages accept what we make, refuse a changed bit, and we accept what they make."""

import json
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from detente.crypto.signing import SigningKey
from detente.tlog.checkpoint import checkpoint_text, cosign
from detente.tlog.note import (
    Note,
    format_note,
    parse_note,
    sign_note,
    signature_line,
    verifier_key,
    verify_note,
)
from detente.tlog.proof import consistency_proof, inclusion_proof
from detente.tlog.tree import Frontier, append, leaf_hash, root_at
from detente.tlog.vkeys import COSIGNATURE, ED25519
from tests.interop.stock import sumdb_program

pytestmark = pytest.mark.timeout(900)  # the first run may install the tools

ORIGIN = "example.com/alfa/1"
KEY, COSIGNER_KEY = SigningKey(bytes(32)), SigningKey(bytes([1]) * 32)
VKEY = verifier_key(ORIGIN, ED25519, KEY.public)
COSIGNER = verifier_key("example.com/bravo/main", COSIGNATURE, COSIGNER_KEY.public)
TIME_S = 1_700_000_000
SIZES = [1, 2, 3, 7, 8, 255, 256, 257, 600]

LEVELS: dict[int, list[bytes]] = {0: [leaf_hash(bytes([number % 256])) for number in range(600)]}
for _level, _index, _hash in append(Frontier(), LEVELS[0])[1]:
    LEVELS.setdefault(_level, []).append(_hash)

Case = dict[str, Any]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built once."""
    return sumdb_program(tmp_path_factory.mktemp("sumdb"))


def test_head_2_stock_note_verifies_the_owner(program: Path) -> None:
    """HEAD-2, NOTE-1: sumdb/note opens our checkpoint under our vkey, and not with any of its octets changed."""
    whole = checkpoint()
    good = {"Kind": "note", "Note": octets64(whole), "Vkey": str(VKEY)}
    assert answers(program, [good]) == ["yes"]
    assert_none(program, [good | {"Note": octets64(changed)} for changed in flipped(whole)])


def test_receipt_2_stock_note_verifies_cosignatures(program: Path) -> None:
    """RECEIPT-2: a cosignature passes sumdb/note through its Verifier interface, and not with a bit changed."""
    whole = checkpoint(cosigned=True)
    good = {"Kind": "note", "Note": octets64(whole), "Vkey": str(VKEY), "Cosigner": str(COSIGNER)}
    assert answers(program, [good]) == ["yes"]
    assert_none(program, [good | {"Note": octets64(changed)} for changed in flipped(whole)])
    assert_none(program, [good | {"Note": octets64(checkpoint())}])


def test_key_2_stock_note_knows_type_1_only(program: Path) -> None:
    """KEY-2: why cosignatures need the interface. If this fails, the stock package learned them: use it."""
    assert answers(program, [{"Kind": "vkey", "Vkey": str(VKEY)}]) == ["yes"]
    assert_none(program, [{"Kind": "vkey", "Vkey": str(COSIGNER)}])


def test_tree_1_stock_tlog_verifies_inclusion(program: Path) -> None:
    """TREE-1: sumdb/tlog accepts our proofs for trees of many shapes, and not with a bit changed."""
    good: list[Case] = [
        {
            "Kind": "inclusion",
            "Size": size,
            "Index": index,
            "Root": octets64(root_at(read, size)),
            "Leaf": octets64(LEVELS[0][index]),
            "Proof": [octets64(part) for part in inclusion_proof(read, index, size)],
        }
        for size in SIZES
        for index in sorted({0, size // 2, size - 1})
    ]
    assert set(answers(program, good)) == {"yes"}
    assert_none(program, [case | {"Leaf": octets64(bytes(32))} for case in good])
    assert_none(program, [case | {"Proof": changed} for case in good for changed in changed_proofs(case["Proof"])])


def test_tree_1_stock_tlog_verifies_consistency(program: Path) -> None:
    """TREE-1: as above, from every size to every larger one."""
    good: list[Case] = [
        {
            "Kind": "consistency",
            "Size": new,
            "OldSize": old,
            "Root": octets64(root_at(read, new)),
            "OldRoot": octets64(root_at(read, old)),
            "Proof": [octets64(part) for part in consistency_proof(read, old, new)],
        }
        for old in SIZES
        for new in SIZES
        if old <= new
    ]
    assert set(answers(program, good)) == {"yes"}
    assert_none(program, [case | {"OldRoot": octets64(bytes(32))} for case in good])
    assert_none(program, [case | {"Proof": changed} for case in good for changed in changed_proofs(case["Proof"])])


def test_note_1_we_verify_what_stock_note_signs(program: Path) -> None:
    """NOTE-1, KEY-1: the other direction, octet for octet."""
    text = checkpoint_text(ORIGIN, 600, root_at(read, 600))
    skey = f"PRIVATE+KEY+{ORIGIN}+{VKEY.key_id.hex()}+{octets64(bytes([ED25519]) + KEY.seed)}"
    (signed,) = answers(program, [{"Kind": "sign", "Text": text, "Skey": skey}])
    assert signed.encode() == checkpoint()
    assert verify_note(parse_note(signed.encode()), [VKEY]) == (VKEY,)


def checkpoint(*, cosigned: bool = False) -> bytes:
    """A signed checkpoint note, with a cosignature if wanted."""
    text = checkpoint_text(ORIGIN, 600, root_at(read, 600))
    lines = [sign_note(text, KEY, ORIGIN)]
    if cosigned:
        lines.append(signature_line(COSIGNER, cosign(COSIGNER_KEY, text, TIME_S)))
    return format_note(Note(text, tuple(lines)))


def flipped(octets: bytes) -> list[bytes]:
    """The note with one bit changed: at each octet another one."""
    return [
        octets[:place] + bytes([value ^ 1 << place % 7]) + octets[place + 1 :] for place, value in enumerate(octets)
    ]


def changed_proofs(proof: list[str]) -> list[list[str]]:
    """The proof with a hash changed, missing, or too many."""
    extra = [[*proof, octets64(bytes(32))]]
    return [*extra, proof[1:], [octets64(bytes(32)), *proof[1:]]] if proof else extra


def assert_none(program: Path, cases: list[Case]) -> None:
    """Every case is refused."""
    found = answers(program, cases)
    assert len(found) == len(cases) > 0
    assert [case for case, answer in zip(cases, found, strict=True) if not answer.startswith("no: ")] == []


def answers(program: Path, cases: list[Case]) -> list[str]:
    """What the Go program says of each case."""
    done = subprocess.run([program], input=json.dumps(cases).encode(), capture_output=True, check=True, timeout=60)
    found: list[str] = json.loads(done.stdout)
    return found


def read(level: int, start: int, stop: int) -> list[bytes]:
    """Stored hashes, as `detente.tlog.tree.Read`."""
    return LEVELS.get(level, [])[start:stop]


def octets64(octets: bytes) -> str:
    """Octets as Go's JSON has them."""
    return b64encode(octets).decode()
