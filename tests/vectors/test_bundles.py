"""vectors/bundles: the verifier finds exactly what is stated there, and says of sound bundles what is stated there."""

import json
from typing import Any

from detente.formats.content import encode_content
from detente.tlog.vkeys import COSIGNATURE, PQ_COSIGNATURE
from detente.verify.audit import audit
from detente.verify.findings import EntryFound, Report
from tests.vectors.cases import Case, every, load

BITS_CHANGED = 150


def file_of(case: Case) -> bytes:
    """The octets of a bundle."""
    pieces, texts = load("bundles")["pieces"], load("bundles")["texts"]
    return b"".join(
        texts[one].encode() if one in texts else bytes.fromhex(pieces.get(one, one)) for one in case["file"]
    )


def described(entry: EntryFound) -> list[Any]:
    """An entry as the vectors describe it."""
    content = encode_content(entry.content).hex() if entry.content is not None else None
    return [list(entry.ref), entry.view, entry.not_before_s, entry.not_after_s, content]


def cosignatures(report: Report) -> list[list[Any]]:
    """Those that count."""
    return [
        [book.origin, head.size, one.party, one.station, PQ_COSIGNATURE if one.post_quantum else COSIGNATURE, at]
        for book in report.books
        for head in book.heads
        for one in head.receipts
        for at in [one.timestamp_s]
    ]


@every("bundles", "bundles")
def test_bundle_10_bundles(case: Case) -> None:
    """BUNDLE-1 to BUNDLE-10."""
    report = audit(file_of(case))
    found = [(one.check, one.rule, one.against) for one in report.findings]
    assert report.sound == case["good"], report.findings
    for check, rules, against in case["findings"]:
        assert any((check, rule, against) in found for rule in rules), (check, rules, report.findings)
    if not case.get("more"):
        stated = {(check, rule, against) for check, rules, against in case["findings"] for rule in rules}
        assert set(found) <= stated, report.findings
    if "books" in case:
        assert [[one.origin, one.size, [list(pair) for pair in one.hidden]] for one in report.books] == case["books"]
    if "entries" in case:
        assert json.loads(json.dumps([described(entry) for entry in report.entries])) == case["entries"]
    if "cosignatures" in case:
        assert cosignatures(report) == case["cosignatures"]
    for party in report.parties:
        assert party.fingerprint == load("bundles")["roots"][party.id]


@every("bundles", "bits")
def test_bundle_11_bits(case: Case) -> None:
    """BUNDLE-11, for bits spread over the file; tests/verify changes every one of a smaller bundle."""
    (bundle,) = (one for one in load("bundles")["bundles"] if one["name"] == case["of"])
    octets = file_of(bundle)
    step = len(octets) * 8 // BITS_CHANGED + 1
    for bit in range(0, len(octets) * 8, step):
        changed = bytearray(octets)
        changed[bit // 8] ^= 1 << bit % 8
        assert not audit(bytes(changed)).sound, f"bit {bit}"
