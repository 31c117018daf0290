"""BUNDLE-11: changing any one bit of a bundle yields a finding; and no octets whatever make the verifier raise."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.verify.audit import audit
from detente.verify.report import as_json, as_text
from tests.verify.records import octets_of, small_bundle

BUNDLE = octets_of(small_bundle())


def flipped(bit: int) -> bytes:
    """The bundle with one bit changed."""
    octets = bytearray(BUNDLE)
    octets[bit // 8] ^= 1 << bit % 8
    return bytes(octets)


def test_bundle_10_the_bundle_itself_is_sound() -> None:
    """BUNDLE-10: without this the flips would prove nothing."""
    assert audit(BUNDLE).findings == ()


def test_bundle_11_some_flipped_bits_are_found() -> None:
    """BUNDLE-11: a sample over the whole file; the next test takes every bit."""
    sample = Random(11).sample(range(8 * len(BUNDLE)), 300)
    assert [bit for bit in sample if audit(flipped(bit)).sound] == []


@pytest.mark.slow
@pytest.mark.parametrize("bit_of_octet", range(8))
def test_bundle_11_every_flipped_bit_is_found(bit_of_octet: int) -> None:
    """BUNDLE-11: all of them, an eighth in each case."""
    assert [octet for octet in range(len(BUNDLE)) if audit(flipped(8 * octet + bit_of_octet)).sound] == []


def test_bundle_1_every_cut_is_found() -> None:
    """BUNDLE-1: a file that lacks its end, or has something after it, is no bundle."""
    for length in range(0, len(BUNDLE), 7):
        report = audit(BUNDLE[:length])
        assert [one.check for one in report.findings] == ["BUNDLE-1"]
    assert [one.check for one in audit(BUNDLE + b"\0").findings] == ["BUNDLE-1"]


@given(st.binary(max_size=300))
def test_bundle_1_garbage_never_raises(octets: bytes) -> None:
    """Any octets give a report that says so."""
    report = audit(octets)
    assert not report.sound
    assert as_text(report).startswith("NOT SOUND")
    assert as_json(report)["verdict"] == "NOT SOUND"


@given(st.integers(0, 2**32))
def test_bundle_11_damaged_bundles_never_raise(seed: int) -> None:
    """Octets changed, cut out, doubled or exchanged anywhere: a report with findings, and both its forms."""
    random = Random(seed)
    octets = bytearray(BUNDLE)
    for _ in range(random.randint(1, 4)):
        start, length = random.randrange(len(octets)), random.randint(1, 40)
        part = octets[start : start + length]
        match random.randrange(4):
            case 0:
                octets[start : start + length] = random.randbytes(len(part))
            case 1:
                del octets[start : start + length]
            case 2:
                octets[start:start] = part
            case _:
                octets[start : start + length] = part[::-1]
    report = audit(bytes(octets))
    assert report.sound == (octets == BUNDLE)
    assert as_text(report)
    assert as_json(report)
