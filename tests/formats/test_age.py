"""The age format: what is sealed opens, and nothing that was cut, joined, reordered or altered does."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import LocalMisuse, Malformed
from detente.formats.age import CHUNK_OCTETS, SEALED_CHUNK_OCTETS, Opener, Sealer
from detente.stores.age_file import AgeReader, AgeWriter
from detente.testing.line import seeded

PASSPHRASE = b"five words that nobody guesses"
QUICK = 1  # log2 of the work factor; the real one takes a second


def sealed(plain: bytes, passphrase: bytes = PASSPHRASE) -> bytes:
    """A whole file."""
    file = io.BytesIO()
    writer = AgeWriter(file, passphrase, seeded("age"), QUICK)
    for start in range(0, len(plain), 50_000):
        writer.write(plain[start : start + 50_000])
    writer.finish()
    return file.getvalue()


def opened(octets: bytes, passphrase: bytes = PASSPHRASE, step: int = 7_919) -> bytes:
    """Its plain octets."""
    reader = AgeReader(io.BytesIO(octets), passphrase)
    found = b""
    while part := reader.read(step):
        found += part
    assert reader.ended
    return found


@pytest.mark.parametrize("chunks", [0, 1, 2, 3])
@pytest.mark.parametrize("more", [-1, 0, 1, 17])
def test_there_and_back_at_every_border(chunks: int, more: int) -> None:
    """Payloads around the borders of chunks; the file has exactly the size that the format gives it."""
    size = max(0, chunks * CHUNK_OCTETS + more)
    plain = bytes(number % 251 for number in range(size))
    octets = sealed(plain)
    assert opened(octets) == plain
    parts = max(1, -(-size // CHUNK_OCTETS))
    assert len(octets) == octets.index(b"\n", octets.index(b"--- ")) + 1 + 16 + size + 16 * parts


@settings(max_examples=30)
@given(st.binary(max_size=300), st.integers(min_value=1, max_value=400))
def test_any_octets_in_any_steps(plain: bytes, step: int) -> None:
    """However it is read."""
    assert opened(sealed(plain), step=step) == plain


def test_a_wrong_passphrase_is_the_operators() -> None:
    """It says so; nothing is given out."""
    with pytest.raises(LocalMisuse, match="wrong passphrase"):
        opened(sealed(b"x"), b"another")


def test_every_flipped_bit_of_a_small_file_is_seen() -> None:
    """Header, MAC, nonce, payload: no bit is free."""
    octets = sealed(b"plain")
    for place in range(len(octets) * 8):
        altered = bytearray(octets)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises((Malformed, LocalMisuse)):
            opened(bytes(altered))


def test_chunks_cannot_be_cut_off_joined_or_moved() -> None:
    """STREAM: each chunk knows its number and whether it is the last."""
    octets = sealed(bytes(3 * CHUNK_OCTETS))
    start = len(octets) - 3 * SEALED_CHUNK_OCTETS
    head, chunks = octets[:start], [octets[start + n * SEALED_CHUNK_OCTETS :][:SEALED_CHUNK_OCTETS] for n in range(3)]
    for order in ([0], [0, 1], [1, 0, 2], [0, 2, 1], [0, 1, 1, 2], [2], []):
        with pytest.raises(Malformed, match="damaged or cut off"):
            opened(head + b"".join(chunks[number] for number in order))
    for cut in (1, SEALED_CHUNK_OCTETS - 1, SEALED_CHUNK_OCTETS + 1):
        with pytest.raises(Malformed):
            opened(octets[:-cut])
    with pytest.raises(Malformed):
        opened(octets + b"x")
    assert opened(octets) == bytes(3 * CHUNK_OCTETS)


def test_an_empty_last_chunk_after_others_is_refused() -> None:
    """The final chunk must not be empty unless the whole payload is."""
    sealer = Sealer(PASSPHRASE, seeded("age"), QUICK)
    octets = sealer.head + sealer.seal(bytes(CHUNK_OCTETS), last=False) + sealer.seal(b"", last=True)
    with pytest.raises(Malformed):
        opened(octets)
    assert opened(sealed(b"")) == b""


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"SQLite format 3\0",
        b"age-encryption.org/v2\n",
        b"age-encryption.org/v1\n-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n",
        b"age-encryption.org/v1\n-> scrypt " + b"A" * 22 + b" 21\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\n",
        b"age-encryption.org/v1\n-> scrypt " + b"A" * 22 + b" 01\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\n",
        b"age-encryption.org/v1\n-> scrypt " + b"A" * 21 + b"B 1\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\n",
    ],
)
def test_another_file_is_refused_before_any_work(beginning: bytes) -> None:
    """Other formats, other recipients, work beyond the bound, base64 that is not canonical."""
    with pytest.raises(Malformed):
        Opener(PASSPHRASE, beginning)


def test_memory_stays_the_same(tmp_path: Path) -> None:
    """What waits inside is never more than two chunks."""
    with (tmp_path / "f").open("wb") as file:
        writer = AgeWriter(file, PASSPHRASE, seeded("age"), QUICK)
        for _ in range(40):
            writer.write(bytes(100_000))
            assert len(writer._waiting) <= CHUNK_OCTETS
        writer.finish()
    with (tmp_path / "f").open("rb") as file:
        reader = AgeReader(file, PASSPHRASE)
        while reader.read(10_000):
            assert len(reader._plain) + len(reader._sealed) <= 2 * SEALED_CHUNK_OCTETS
        assert reader.ended
