"""Findings and notes of the verifier, and the check of a note's signature lines (NOTE-3 for bundles)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference.notes import Note, known_keys, line_verifies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reference.keys import VerifierKey
    from tests.reference.refusal import Refusal


@dataclass(frozen=True)
class Finding:
    """One finding, or one note that accuses nobody.

    `check` is the check of spec/8-bundle.md, `rule` the rule that is broken, `against` the party at fault or "".
    """

    check: str
    rule: str
    text: str
    against: str = ""

    def __str__(self) -> str:
        """Write it as a line."""
        return " ".join(
            part for part in (self.check, self.rule, self.against and f"({self.against})", self.text) if part
        )


@dataclass
class Findings:
    """Findings and notes in the order in which they are made."""

    found: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def add(self, check: str, rule: str, text: str, against: str = "") -> None:
        """Add a finding."""
        self.found.append(Finding(check, rule, text, against))

    def refused(self, check: str, what: str, refusal: Refusal) -> None:
        """Add what was refused as a finding."""
        self.add(check, refusal.rule, f"{what}: {refusal.why}")

    def note(self, check: str, text: str) -> None:
        """Add a note."""
        self.notes.append(Finding(check, check, text))

    def extend(self, other: Findings) -> None:
        """Add the findings and notes of another list."""
        self.found += other.found
        self.notes += other.notes


def check_lines(
    note: Note, allowed: Sequence[VerifierKey], check: str, what: str, findings: Findings
) -> list[VerifierKey]:
    """Report lines of keys that are not allowed, second lines of one key, and lines that do not verify (NOTE-3).

    Return the keys that have signed.
    """
    keys = known_keys(allowed)
    seen: list[VerifierKey] = []
    signed: list[VerifierKey] = []
    for line in note.lines:
        key = next((key for key in keys if line.is_of(key)), None)
        if key is None:
            findings.add(check, "NOTE-3", f"{what}: a signature line of {line.name}, which has no place here")
            continue
        if key in seen:
            findings.add(check, "NOTE-3", f"{what}: a second line of {line.name}")
        elif not line_verifies(key, note.text, line.signature):
            findings.add(check, "NOTE-3", f"{what}: the signature of {line.name} does not verify")
        else:
            signed.append(key)
        seen.append(key)
    return signed
