"""Bundles made here: the reader finds what was done to them (BUNDLE-1 to BUNDLE-11)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from tests.reference import books, sealing, writer
from tests.reference.bundle import LABEL, Report, verify_bundle
from tests.reference.encoding import Encodable, encode, sha256
from tests.reference.keys import POST_QUANTUM
from tests.reference.verify import main, write_report
from tests.reference.writer import Line, cosigner, root, signed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALFA = books.make_origin(writer.CHANNEL, "alfa", 1)
SECRET = sha256(b"the secret of an epoch")
MESSAGE_KEY = sealing.message_key(SECRET, ALFA, 1, 2)
HPKE_KEY = bytes(1216)


@dataclasses.dataclass
class Parts:
    """The parts of a bundle, to be changed by a test."""

    charters: list[bytes]
    notes: dict[str, bytes]
    items: dict[str, list[list[Encodable]]]
    heads: dict[str, list[bytes]]
    disclosures: list[list[Encodable]]

    def write(self) -> bytes:
        """Write the bundle."""
        sections: list[Encodable] = [[self.notes[party], self.items[party], self.heads[party]] for party in self.notes]
        return encode([LABEL, self.charters, sections, self.disclosures])


def small_line() -> Line:
    """Write a message, its acknowledgement and a closing."""
    line = Line()
    for party in writer.PARTIES:
        line.add(party, books.OPENING, ["opening", sha256(writer.charter_text()), "founded", [], HPKE_KEY])
    check = sealing.epoch_check(SECRET, ALFA, 1)
    line.add("alfa", books.KEYS, ["keys", ["alfa", "bravo"], check, [], None])
    line.add_sealed("alfa", 1, MESSAGE_KEY, encode({"form": "message", "text": "a"}))
    line.add("bravo", books.OPEN, ["open", {"form": "acknowledge", "by": "watch", "re": [["alfa", 1, 2]]}])
    line.add("alfa", books.CLOSING, ["closing", "done"])
    return line


def parts() -> Parts:
    """Make the parts of a sound bundle."""
    line = small_line()
    text = writer.charter_text()
    both = cosigner("bravo"), cosigner("bravo", POST_QUANTUM)
    return Parts(
        charters=[signed(text, root("alfa"), root("bravo"))],
        notes={party: signed(writer.book_text(party), root(party)) for party in writer.PARTIES},
        items={
            "alfa": [*(line.item("alfa", index) for index in range(3)), line.hidden("alfa", 3)],
            "bravo": [line.item("bravo", index) for index in range(2)],
        },
        heads={
            "alfa": [line.head("alfa", 1, (both[0], 100)), line.head("alfa", 4, (both[0], 200), (both[1], 190))],
            "bravo": [line.head("bravo", 2)],
        },
        disclosures=[[ALFA, 2, MESSAGE_KEY]],
    )


def test_sound() -> None:
    """The bundle as it was made is sound, and says what it must."""
    report = verify_bundle(parts().write())
    assert report.sound, write_report(report)
    alfa, bravo = report.sections
    assert [alfa.interval(index) for index in range(3)] == [(None, 100), (100, 190), (100, 190)]
    assert bravo.interval(1) == (None, None)
    assert alfa.hidden == [range(3, 4)]
    assert report.disclosed[ALFA, 2] == {"form": "message", "text": "a"}
    assert [party for party, _ in report.fingerprints()] == ["alfa", "bravo"]
    assert write_report(report).endswith("\nsound")


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says `sound` and 0, or findings and 1."""
    changed = parts()
    changed.heads["bravo"] = [small_line().head("bravo", 1)]
    for name, octets, code in (("good", parts().write(), 0), ("bad", changed.write(), 1)):
        (tmp_path / name).write_bytes(octets)
        monkeypatch.setattr("sys.argv", ["verify", str(tmp_path / name)])
        assert main() == code
        assert ("BUNDLE-5 " in capsys.readouterr().out) == (code == 1)


def swap_books(bundle: Parts) -> None:
    """Put the second book first."""
    bundle.notes = dict(reversed(bundle.notes.items()))


def change_entry(bundle: Parts) -> None:
    """Change the time of an entry."""
    bundle.items["alfa"][1][1] = 77


def closing_first(bundle: Parts) -> None:
    """Let bravo write after a closing."""
    line = small_line()
    line.entries["bravo"].pop()
    line.add("bravo", books.CLOSING, ["closing", "done"])
    line.add("bravo", books.OPEN, ["open", {"form": "x"}])
    bundle.items["bravo"] = [line.item("bravo", index) for index in range(3)]
    bundle.heads["bravo"] = [line.head("bravo", 3)]


def wrong_view(bundle: Parts) -> None:
    """Let bravo have seen another history."""
    line = small_line()
    entry = line.entries["bravo"].pop()
    line.entries["bravo"].append(dataclasses.replace(entry, head=dataclasses.replace(entry.head, view=bytes(32))))
    bundle.items["bravo"] = [line.item("bravo", index) for index in range(2)]
    bundle.heads["bravo"] = [line.head("bravo", 2)]


def named_charter_missing(bundle: Parts) -> None:
    """Let bravo open under another charter."""
    line = small_line()
    line.entries["bravo"] = []
    line.add("bravo", books.OPENING, ["opening", bytes(32), "founded", [], HPKE_KEY], seen=((0,), (0,)))
    bundle.items["bravo"], bundle.heads["bravo"] = [line.item("bravo", 0)], [line.head("bravo", 1)]


CHANGES: list[tuple[str, str, Callable[[Parts], object]]] = [
    ("a charter twice", "BUNDLE-2", lambda bundle: bundle.charters.append(bundle.charters[0])),
    (
        "one principal has not signed",
        "BUNDLE-2",
        lambda bundle: bundle.charters.__setitem__(0, signed(writer.charter_text(), root("alfa"))),
    ),
    (
        "a charter signed by another key",
        "BUNDLE-2",
        lambda bundle: bundle.charters.__setitem__(
            0, signed(writer.charter_text(), root("alfa"), root("bravo"), root("charlie"))
        ),
    ),
    ("a charter that is missing", "BUNDLE-2", named_charter_missing),
    ("books in another order", "BUNDLE-3", swap_books),
    (
        "a book note signed by another root",
        "BUNDLE-3",
        lambda bundle: bundle.notes.update(alfa=signed(writer.book_text("alfa"), root("bravo"))),
    ),
    (
        "a book note signed twice",
        "BUNDLE-3",
        lambda bundle: bundle.notes.update(alfa=signed(writer.book_text("alfa"), root("alfa"), root("alfa"))),
    ),
    ("another mk", "BUNDLE-4", lambda bundle: bundle.disclosures.__setitem__(0, [ALFA, 2, bytes(32)])),
    ("a disclosure twice", "BUNDLE-1", lambda bundle: bundle.disclosures.append([ALFA, 2, MESSAGE_KEY])),
    ("a disclosure of a hidden entry", "BUNDLE-4", lambda bundle: bundle.disclosures.append([ALFA, 3, MESSAGE_KEY])),
    ("an entry that is changed", "BUNDLE-5", change_entry),
    ("heads in another order", "BUNDLE-5", lambda bundle: bundle.heads["alfa"].reverse()),
    ("no head over the last entry", "BUNDLE-5", lambda bundle: bundle.heads["alfa"].pop()),
    (
        "a cosigner of the same party",
        "BUNDLE-5",
        lambda bundle: bundle.heads.update(bravo=[small_line().head("bravo", 2, (cosigner("bravo"), 1))]),
    ),
    (
        "one cosigner twice",
        "BUNDLE-5",
        lambda bundle: bundle.heads.update(
            bravo=[small_line().head("bravo", 2, (cosigner("alfa"), 1), (cosigner("alfa"), 2))]
        ),
    ),
    (
        "a root among the cosigners",
        "BUNDLE-5",
        lambda bundle: bundle.heads.update(bravo=[small_line().head("bravo", 2, (root("alfa"), 1))]),
    ),
    ("an entry after a closing", "BUNDLE-6", closing_first),
    ("another view", "BUNDLE-7", wrong_view),
]


@pytest.mark.parametrize(("check", "change"), [pytest.param(check, change, id=name) for name, check, change in CHANGES])
def test_changed(check: str, change: Callable[[Parts], object]) -> None:
    """A change is found, under its check."""
    bundle = parts()
    change(bundle)
    report = verify_bundle(bundle.write())
    assert check in {finding.check for finding in report.findings.found}, write_report(report)


def test_view_not_checked() -> None:
    """A view over what the bundle does not hold is a note and no finding (BUNDLE-7)."""
    bundle = parts()
    del bundle.notes["bravo"]
    report = verify_bundle(bundle.write())
    assert report.sound
    assert [note.check for note in report.findings.notes] == ["BUNDLE-7", "BUNDLE-7"]


def verify_with_bit(octets: bytes, bit: int) -> Report:
    """Verify with one bit changed."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return verify_bundle(bytes(changed))


def test_no_bit_is_ignored() -> None:
    """Changing one bit yields a finding (BUNDLE-11); every 601st bit is tried."""
    octets = parts().write()
    assert [bit for bit in range(0, 8 * len(octets), 601) if verify_with_bit(octets, bit).sound] == []
