"""Findings and notes of the verifier, and the check of a note's signature lines (NOTE-3 for bundles)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.reference.notes import Note, known_keys, line_verifies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reference.keys import VerifierKey


@dataclass(frozen=True)
class Finding:
    """One finding, or one note that accuses nobody."""

    rule: str
    text: str

    def __str__(self) -> str:
        """Write it as a line."""
        return f"{self.rule} {self.text}"


@dataclass
class Findings:
    """Findings and notes in the order in which they are made."""

    found: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def add(self, rule: str, text: str) -> None:
        """Add a finding."""
        self.found.append(Finding(rule, text))

    def note(self, rule: str, text: str) -> None:
        """Add a note."""
        self.notes.append(Finding(rule, text))

    def extend(self, other: Findings) -> None:
        """Add the findings and notes of another list."""
        self.found += other.found
        self.notes += other.notes


def check_lines(note: Note, allowed: Sequence[VerifierKey], rule: str, what: str, findings: Findings) -> None:
    """Report lines of keys that are not allowed, second lines of one key, and lines that do not verify."""
    keys = known_keys(allowed)
    signed: list[VerifierKey] = []
    for line in note.lines:
        key = next((key for key in keys if line.is_of(key)), None)
        if key is None:
            findings.add(rule, f"{what}: a signature line of {line.name}, which has no place here")
        elif key in signed:
            findings.add(rule, f"{what}: a second line of {line.name}")
        elif not line_verifies(key, note.text, line.signature):
            findings.add(rule, f"{what}: NOTE-3 the signature of {line.name} does not verify")
        if key is not None:
            signed.append(key)
