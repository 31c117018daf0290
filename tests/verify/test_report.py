"""The report as a text for people and as JSON."""

import json
from dataclasses import replace

from detente.formats.bundle import BookSection, Bundle
from detente.formats.content import Content
from detente.formats.entry import Closing, Open
from detente.verify.audit import audit
from detente.verify.report import MEANINGS, as_json, as_text, utc
from tests.verify.records import ALFA, BRAVO, START_S, Record, octets_of, small_bundle, with_book


def test_a_sound_report_says_so_first_and_whose_record_it_is() -> None:
    """BUNDLE-10: the verdict first and last, then the channel, the parties with the fingerprints of their roots."""
    report = audit(octets_of(small_bundle()))
    lines = as_text(report).splitlines()
    assert lines[0] == "SOUND."
    assert lines[-1] == "End of the report: SOUND."
    assert "EXERCISE" not in as_text(report)
    assert any(report.parties[0].fingerprint in line for line in lines)
    assert "  hidden by this bundle: 0 to 1, 3" in lines
    assert "    proved: not before 2030-03-17 17:46:50Z, not after 2030-03-17 17:47:00Z; view verified" in lines
    assert "    | The line is open." in lines


def test_an_exercise_says_so_in_the_first_line_and_in_the_last() -> None:
    """CHARTER-2: nobody takes a drill for real, however little of the report they read."""
    lines = as_text(audit(octets_of(small_bundle("EXERCISE")))).splitlines()
    assert "EXERCISE" in lines[0]
    assert "EXERCISE" in lines[-1]


def test_findings_stand_before_everything_else_with_their_meaning() -> None:
    """Each finding with its check, rule, place and what it means; the number of them in the verdict."""
    bundle = replace(small_bundle(), disclosures=(replace(small_bundle().disclosures[0], message_key=bytes(32)),))
    text = as_text(audit(octets_of(bundle)))
    assert text.startswith("NOT SOUND (1 findings).")
    assert "BUNDLE-4 SEAL-1" in text
    assert MEANINGS["BUNDLE-4"] in text
    assert "sealed, not disclosed here" in text
    assert text.index("Findings") < text.index("Book ")


def test_what_nobody_can_read_has_a_report_too() -> None:
    """BUNDLE-1: no charter, no record of anybody."""
    text = as_text(audit(b""))
    assert "Whose record this is cannot be told" in text


def test_a_finding_against_a_party_names_it() -> None:
    """BUNDLE-6: whose signature stands behind the entry."""
    record = Record()
    alfa = record.book(ALFA)
    alfa.add(9, b"-", record.view(alfa.seen))
    record.write(alfa, Closing("agreed"))
    section = BookSection(alfa.note, tuple(alfa.items), (alfa.head(3),))
    report = audit(octets_of(Bundle(tuple(record.notes), (section,), ())))
    text = as_text(report)
    assert "BUNDLE-6 BOOK-3  alfa/1 (by alfa): kind 9 is unknown" in text
    assert "    reason: agreed" in text
    assert as_json(report)["findings"][0]["against"] == "alfa"
    assert [one["kind"] for one in as_json(report)["entries"]] == ["opening", "9", "closing"]


def test_hostile_texts_are_marked_for_eyes_and_whole_in_json() -> None:
    """READ-3: a text cannot clear the screen or turn the writing of the report; the JSON holds it octet for octet."""
    hostile = "a\x1b[2J\u202eb\nEnd of the report: SOUND."
    record = Record()
    alfa = record.book(ALFA)
    record.write(alfa, Open(Content("message", (BRAVO,), by="p\u0430y", text=hostile, fields={"k": b"\x01"})))
    section = BookSection(alfa.note, tuple(alfa.items), (alfa.head(2),))
    report = audit(octets_of(Bundle(tuple(record.notes), (section,), ())))
    text = as_text(report)
    assert "    | a<U+001B>[2J<U+202E>b\n    | End of the report" in text
    assert "mixed scripts" in text
    assert as_json(report)["entries"][1]["content"]["text"] == hostile


def test_the_json_says_the_same() -> None:
    """Every part of the report, in values of JSON."""
    found = as_json(audit(octets_of(small_bundle())))
    assert json.loads(json.dumps(found)) == found
    assert (found["verdict"], found["sound"], found["mode"]) == ("SOUND", True, "REAL")
    assert found["findings"] == found["notes"] == []
    assert [one["number"] for one in found["charters"]] == [1]
    assert [one["role"] for one in found["parties"]] == ["principal", "principal", "witness"]
    assert found["books"][0]["hidden"] == [[0, 1], [3, 3]]
    assert found["books"][0]["heads"][0]["receipts"] == [
        {
            "party": "bravo",
            "station": "hq",
            "statement": "holds",
            "post_quantum": False,
            "timestamp_s": START_S + 10,
        }
    ]
    entry = found["entries"][0]
    assert (entry["ref"], entry["kind"], entry["precedence"]) == ("alfa/2", "sealed", "FLASH")
    assert (entry["not_before_s"], entry["not_after_s"], entry["view"]) == (START_S + 10, START_S + 20, "verified")
    assert entry["content"] == {"form": "message", "to": ["bravo"], "lang": "en", "text": "The line is open."}


def test_remarks_are_held_against_nobody() -> None:
    """BUNDLE-7: `view not checked` stands among the notes."""
    bundle = small_bundle()
    text = as_text(audit(octets_of(replace(bundle, books=bundle.books[:1]))))
    assert text.startswith("SOUND.")
    assert "view not checked" in text.split("Notes (held against nobody)")[1]


def test_times_that_no_calendar_holds_are_shown_in_seconds() -> None:
    """A cosigner's clock and an author's clock are claims, up to 2^63 s and 2^48 ms."""
    assert utc(0) == "1970-01-01 00:00:00Z"
    assert utc(None) == "-"
    assert utc(253_402_300_799) == "9999-12-31 23:59:59Z"
    assert utc(2**63 - 1) == f"{2**63 - 1} s after 1970"
    bundle = small_bundle()
    items = list(bundle.books[1].items)
    items[1] = items[1]._replace(at=2**48 - 1)  # type: ignore[call-arg]
    assert "s after 1970" in as_text(audit(octets_of(with_book(bundle, 1, items=tuple(items)))))


def test_every_check_of_the_chapter_has_a_meaning() -> None:
    """A finding without a word of what it means would help nobody."""
    assert set(MEANINGS) == {f"BUNDLE-{number}" for number in range(1, 8)}
