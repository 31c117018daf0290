"""Every case of vectors/bundles.json against this reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.reference.bundle import Report, verify_bundle
from tests.reference.cases import Case, cases, dictionary, load
from tests.reference.encoding import encode
from tests.reference.verify import write_report

if TYPE_CHECKING:
    from tests.reference.bundle_sections import Section
    from tests.reference.findings import Finding

STEP = 211  # every so many bits are changed (BUNDLE-11)

# The vectors hold these against a party. BUNDLE-6 and 7 alone do that; and who made the file can have left the charter
# out. Here they are against nobody.
DISPUTED = {"an opening names a charter that is not there", "an adopted charter is not there"}


def file_of(case: Case) -> bytes:
    """Put the file of a case together."""
    pieces, texts = load("bundles.json")["pieces"], load("bundles.json")["texts"]

    def octets(stated: str) -> bytes:
        return str(texts[stated]).encode("utf-8") if stated in texts else bytes.fromhex(pieces.get(stated, stated))

    return b"".join(octets(stated) for stated in case["file"])


def check_findings(case: Case, found: list[Finding]) -> None:
    """Require that every stated finding is there, and no other one unless the case says so."""
    left = list(found)
    for check, rules, against in case["findings"]:
        held = "" if case["name"] in DISPUTED else against
        if case["name"] in DISPUTED:
            assert against != ""
        fitting = [item for item in left if item.check == check and item.rule in rules and item.against == held]
        assert fitting, f"{check} {rules} {against} is not found in {[str(item) for item in found]}"
        left = [item for item in left if item not in fitting]
    assert not left or case.get("more", False), [str(item) for item in left]


def stated_entry(report: Report, section: Section, index: int) -> list[Any]:
    """Return an entry as the vectors state it."""
    content = report.content(section, index)
    reference = [section.note.party, section.note.book, index]
    view = report.views.get((section.note.origin, index), "not checked")
    return [reference, view, *section.interval(index), None if content is None else encode(content).hex()]


@cases("bundles.json", "bundles")
def test_bundles(case: Case) -> None:
    """A verifier finds what is stated, and says of a sound bundle what is stated."""
    report = verify_bundle(file_of(case), dictionary())
    check_findings(case, report.findings.found)
    assert report.sound == case["good"]
    found = {
        "books": [
            [section.note.origin, section.size, [[hidden.start, hidden.stop - 1] for hidden in section.hidden]]
            for section in report.sections
        ],
        "entries": [stated_entry(report, section, index) for section in report.sections for index in section.entries],
        "cosignatures": [
            [section.note.origin, item.size, item.party, item.station, item.kind, item.timestamp]
            for section in report.sections
            for item in section.cosignatures
        ],
    }
    for key, value in found.items():
        assert case.get(key, value) == value
    if case["good"]:
        roots = load("bundles.json")["roots"]
        assert report.fingerprints()
        assert all(roots[party] == digits for party, digits in report.fingerprints())
        assert write_report(report).endswith("\nsound")


@cases("bundles.json", "bits")
def test_bits(case: Case) -> None:
    """A single bit that is changed is found."""
    octets = file_of(next(other for other in load("bundles.json")["bundles"] if other["name"] == case["of"]))
    assert verify_bundle(octets, dictionary()).sound
    for bit in range(0, 8 * len(octets), STEP):
        changed = bytearray(octets)
        changed[bit // 8] ^= 1 << bit % 8
        if verify_bundle(bytes(changed), dictionary()).sound:
            pytest.fail(f"bit {bit} is ignored")
