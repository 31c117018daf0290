"""The command that verifies an evidence bundle: `python -m tests.reference.verify FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __package__ in (None, ""):  # called by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.reference.bundle import Report, verify_bundle


def write_report(report: Report) -> str:
    """Write a report as lines."""
    lines = [str(finding) for finding in report.findings.found]
    lines += [f"note: {note}" for note in report.findings.notes]
    for section in report.sections:
        for leaves in section.hidden:
            lines.append(f"hidden: {section.note.origin} {leaves.start} to {leaves.stop - 1}")  # BUNDLE-8
        for index in section.entries:
            begin, end = ("-" if moment is None else str(moment) for moment in section.interval(index))
            lines.append(f"time: {section.name(index)} {begin} {end}")  # BUNDLE-9
    lines += [f"root: {party} {digits}" for party, digits in report.fingerprints()]  # BUNDLE-10
    lines.append("sound" if report.sound else "not sound")
    return "\n".join(lines)


def main() -> int:
    """Verify one file and return 0 if it is sound, 1 if not."""
    parser = argparse.ArgumentParser(description="Verify an evidence bundle.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--dictionary", type=Path, help="the zstd dictionary of coding 2")
    arguments = parser.parse_args()
    dictionary = arguments.dictionary.read_bytes() if arguments.dictionary else None
    report = verify_bundle(arguments.file.read_bytes(), dictionary)
    print(write_report(report))  # noqa: T201 - a program for people at a terminal
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
