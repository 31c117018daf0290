"""RECEIPT-2: another implementation of ML-DSA-44 accepts our post-quantum cosignatures, and not with a bit changed."""

import json
import re
import subprocess

import pytest

from detente.crypto.signing import PqSigningKey
from detente.tlog.checkpoint import checkpoint_text, cosign_pq
from detente.tlog.note import Note, format_note, signature_line, verifier_key
from detente.tlog.vkeys import PQ_COSIGNATURE, VerifierKey
from tests.interop.stock import HERE, noble_program

pytestmark = pytest.mark.timeout(900)  # the first run may install the tools

KEYS = [PqSigningKey(bytes([number]) * 32) for number in range(3)]
COSIGNERS = [
    verifier_key(f"example.com/bravo/s{number}", PQ_COSIGNATURE, key.public) for number, key in enumerate(KEYS)
]
TEXT = checkpoint_text("example.com/alfa/1", 2**40 - 1, bytes(range(32)))
BLOBS = [
    cosign_pq(key, vkey.name, TEXT, 1_700_000_000 + number)
    for number, (key, vkey) in enumerate(zip(KEYS, COSIGNERS, strict=True))
]
HEAD_OCTETS = 8  # the timestamp


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of the judge, its packages installed once."""
    return noble_program(tmp_path_factory.mktemp("noble"))


def test_receipt_2_another_implementation_verifies_our_cosignatures(command: list[str]) -> None:
    """RECEIPT-2: message, key id and signature are those of C2SP tlog-cosignature."""
    notes = [note_of(vkey, blob) for vkey, blob in zip(COSIGNERS, BLOBS, strict=True)]
    assert answers(command, notes, COSIGNERS) == [True] * len(KEYS)


def test_receipt_2_another_implementation_refuses_a_changed_bit(command: list[str]) -> None:
    """RECEIPT-2: in the time, in each part of the signature, in the size, the origin and the root."""
    places = [0, HEAD_OCTETS - 1, HEAD_OCTETS, HEAD_OCTETS + 32, 1_000, 2_000, len(BLOBS[0]) - 1]
    changed = [BLOBS[0][:place] + bytes([BLOBS[0][place] ^ 1]) + BLOBS[0][place + 1 :] for place in places]
    notes = [note_of(COSIGNERS[0], blob) for blob in changed]
    notes += [
        note_of(COSIGNERS[0], BLOBS[0], text)
        for text in (
            checkpoint_text("example.com/alfa/1", 2**40 - 2, bytes(range(32))),
            checkpoint_text("example.com/alfa/2", 2**40 - 1, bytes(range(32))),
            checkpoint_text("example.com/alfa/1", 2**40 - 1, bytes(32)),
        )
    ]
    assert answers(command, notes, [COSIGNERS[0]] * len(notes)) == [False] * len(notes)


def test_receipt_2_another_implementation_refuses_another_cosigner(command: list[str]) -> None:
    """RECEIPT-2: the signed message holds the cosigner's name, so a line cannot be passed on under another."""
    renamed = COSIGNERS[0]._replace(name="example.com/charlie")
    assert answers(command, [note_of(renamed, BLOBS[0])], [renamed]) == [False]
    assert answers(command, [note_of(COSIGNERS[1], BLOBS[0])], [COSIGNERS[1]]) == [False]


def test_the_lock_file_names_no_place() -> None:
    """What is installed is fixed by hashes, and where it comes from is left to whoever installs it."""
    lock = (HERE / "noble" / "package-lock.json").read_text()
    packages = {name: package for name, package in json.loads(lock)["packages"].items() if name}
    assert packages
    assert all(re.fullmatch(r"sha512-[A-Za-z0-9+/=]{88}", package["integrity"]) for package in packages.values())
    assert "://" not in lock
    assert "resolved" not in lock


def note_of(vkey: VerifierKey, blob: bytes, text: str = TEXT) -> str:
    """A note with this cosignature only."""
    return format_note(Note(text, (signature_line(vkey, blob),))).decode()


def answers(command: list[str], notes: list[str], vkeys: list[VerifierKey]) -> list[bool]:
    """What the judge says of each note."""
    cases = [{"note": note, "vkey": str(vkey)} for note, vkey in zip(notes, vkeys, strict=True)]
    done = subprocess.run(command, input=json.dumps(cases).encode(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    found: list[bool] = json.loads(done.stdout)
    return found
