"""Log lines, texts in parts, and the marking of hostile text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.formats.content import Content
from detente.formats.entry import Adopt, Closing, Erased, Head, Keys, Open, Opening, Wrap
from detente.ids import Origin, Ref
from detente.records.ladder import Ladder, ReceiptProof, Step
from detente.records.log import CANNOT_PROCESS, NOT_FOR_US, LogEntry, log_lines
from detente.records.marks import marked_text
from detente.records.order import Item
from tests.records.worlds import PARTIES, item, leaf

ALFA, BRAVO, *_ = PARTIES


def test_a_line_holds_everything_that_is_known() -> None:
    """One object an entry, JSON all through, texts octet for octet (READ-3)."""
    text = "caf\u00e9 \u202eexe\x1b[31m"
    content = Content(
        "message",
        (BRAVO,),
        (PARTIES[3],),
        "duty officer",
        "en",
        text,
        (Ref(BRAVO, 2, 7),),
        None,
        {"a": (1, b"\xff", {"b": None})},
    )
    ladder = (
        Ladder(BRAVO)
        .climb(Step.COMMITTED)
        .climb(Step.RECEIPT, ReceiptProof("bravo-hq", 3, 99))
        .climb(Step.REPLY, Ref(BRAVO, 1, 5))
    )
    entry = LogEntry(item(0, 0, 1000, (0, 0), arrival=8), content, broken=(("BOOK-9", "went down"),), ladders=(ladder,))
    (line,) = log_lines([entry])
    assert json.loads(json.dumps(line)) == line
    assert line == {
        "ref": "alfa/0",
        "party": "alfa",
        "book": 1,
        "index": 0,
        "at": 1000,
        "held_at": 8,
        "implausible": False,
        "precedence": "ROUTINE",
        "kind": "sealed",
        "form": "message",
        "fields": {"a": [1, "ff", {"b": None}]},
        "text": text,
        "lang": "en",
        "by": "duty officer",
        "to": ["bravo"],
        "info": ["meridian"],
        "re": ["bravo.2/7"],
        "part": None,
        "whole": None,
        "ladder": [
            {
                "party": "bravo",
                "rung": "answered",
                "proofs": [
                    {"step": "receipt by a station that holds", "cosigner": "bravo-hq", "size": 3, "timestamp_s": 99},
                    {"step": "reply", "entry": "bravo/5"},
                ],
            }
        ],
        "mark": None,
        "broken": [{"rule": "BOOK-9", "text": "went down"}],
        "unreadable": None,
    }


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            Opening(b"\x01" * 32, "founded", (Head(Origin("o"), 1, b"\x02" * 32),), b""),
            {"reason": "founded", "charter": "01" * 32, "heads": [["o", 1, "02" * 32]]},
        ),
        (
            Keys((ALFA, BRAVO), bytes(32), (Wrap(Origin("o"), 0, b"w"),), None),
            {"audience": ["alfa", "bravo"], "wrapped_for": ["o"]},
        ),
        (Adopt("charter", 2, b"\x03" * 32), {"what": "charter", "number": 2, "digest": "03" * 32}),
        (Erased(4, "the law"), {"index": 4, "authority": "the law"}),
        (Closing("agreed"), {"reason": "agreed"}),
        (Open(Content("status", fields={"kind": "held"})), {"kind": "held"}),
        (None, None),
    ],
)  # fmt: skip
def test_bodies_that_are_no_contents_say_what_they_do(
    body: Opening | Keys | Adopt | Erased | Closing | Open | None, fields: object
) -> None:
    """BOOK-13 to BOOK-18: their facts stand in `fields`."""
    (line,) = log_lines([LogEntry(item(0, 0, 0, (0, 0)), body)])
    assert json.loads(json.dumps(line))["fields"] == fields


def test_book_3_an_unknown_kind_is_shown_by_its_number() -> None:
    """BOOK-3: held and shown."""
    (line,) = log_lines([LogEntry(Item(Ref(ALFA, 1, 0), 0, leaf(0, (0, 0), 19), True))])
    assert line["kind"] == "19"


def test_unreadable_entries_say_why_and_lines_stand_in_reading_order() -> None:
    """ORDER-1 and SEAL-6: what cannot be read has its line too, and says why; what waits comes last with its mark."""
    entries = [
        LogEntry(item(1, 3, 1, (0, 0), arrival=1)),
        LogEntry(item(0, 0, 5, (0, 0), arrival=3), unreadable=NOT_FOR_US),
        LogEntry(item(1, 0, 4, (0, 0), arrival=4), unreadable=CANNOT_PROCESS + "padding"),
    ]
    lines = log_lines(iter(entries))
    assert [(line["ref"], line["mark"], line["unreadable"]) for line in lines] == [
        ("bravo/0", "arrived later", "cannot process: padding"),
        ("alfa/0", None, "sealed, not for us"),
        ("bravo/3", "history pending", None),
    ]


# --- parts


def parts(*numbers: int, of: int = 3, form: str = "message", first: int = 0) -> list[LogEntry]:
    """Parts of one text at indexes 0, 1, ..."""
    return [
        LogEntry(
            item(0, index, index, (0, 0)),
            Content(
                form, (BRAVO,), text=f"<{number}>", re=() if number == 1 else (Ref(ALFA, 1, first),), part=(number, of)
            ),
        )
        for index, number in enumerate(numbers)
    ]


def wholes(entries: list[LogEntry]) -> list[str | None]:
    """The whole texts by line."""
    return [line["whole"] for line in log_lines(entries)]


def test_read_5_parts_are_joined_when_all_are_there() -> None:
    """READ-5: at part 1, in the order of their numbers."""
    assert wholes(parts(1, 2, 3)) == ["<1><2><3>", None, None]
    assert wholes(parts(1, 3, 2)) == ["<1><2><3>", None, None]
    assert wholes(parts(1, 2, 2, 3)) == ["<1><2><3>", None, None, None]


def test_read_5_nothing_else_is_joined() -> None:
    """READ-5: a missing part, another form, another number of parts, a reference elsewhere, a single part."""
    assert wholes(parts(1, 2)) == [None, None]
    assert wholes(parts(2, 3, of=2)) == [None, None]
    assert wholes(parts(1, of=1)) == [None]
    assert wholes(parts(1, 2, 3, first=7)) == [None] * 3
    mixed = parts(1, 2, 3)
    mixed[2] = parts(1, 2, 3, form="other")[2]
    assert wholes(mixed) == [None] * 3
    mixed[2] = parts(1, 2, 3, of=4)[2]
    assert wholes(mixed) == [None] * 3
    elsewhere = LogEntry(item(1, 0, 9, (0, 0)), parts(1, 2, 3)[2].content)
    assert wholes([*parts(1, 2), elsewhere]) == [None] * 3


# --- hostile text

MANY_SCRIPTS = "caf\u00e9 \u041a\u0438\u0457\u0432 \u0645\u0631\u062d\u0628\u0627 \u6f22\u5b57"


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("plain\ttext\nwith lines", "plain\ttext\nwith lines"),
        ("\x1b[2J\r\x00\x7f\x9b", "<U+001B>[2J<U+000D><U+0000><U+007F><U+009B>"),
        ("a\u202eb\u2066c\u200fd\u061c", "a<U+202E>b<U+2066>c<U+200F>d<U+061C>"),
        ("z\u200bw\ufeff\u00ad\u3164\u2028", "z<U+200B>w<U+FEFF><U+00AD><U+3164><U+2028>"),
        ("\ud800 \ue000 \U000e0041 \ufe0f", "<U+D800> <U+E000> <U+E0041> <U+FE0F>"),
        ("p\u0430ypal is paypal", "[mixed scripts CYRILLIC LATIN: p\u0430ypal] is paypal"),
        ("p\u0307\u0430", "[mixed scripts CYRILLIC LATIN: p\u0307\u0430]"),
        ("\u03bfk", "[mixed scripts GREEK LATIN: \u03bfk]"),
        (MANY_SCRIPTS, MANY_SCRIPTS),
        ("\u0421\u0443-57 and \u0422-72", "\u0421\u0443-57 and \u0422-72"),
        ("<U+202E> [mixed scripts x", "<U+003C>U+202E> <U+005B>mixed scripts x"),
        ("<b>&amp;</b> [1]", "<b>&amp;</b> [1]"),
    ],
)  # fmt: skip
def test_marked_text(text: str, marked: str) -> None:
    """Control, bidi and invisible characters are named; words that mix look-alike scripts are named; the rest stays."""
    assert marked_text(text) == marked


@given(st.text(alphabet=st.characters(codec=None)))
def test_marked_text_has_nothing_unseen(text: str) -> None:
    """Whatever the other side writes, no control or format character is left, and marking again finds no new ones."""
    marked = marked_text(text)
    assert all(one in "\n\t" or one.isprintable() or one.isspace() for one in marked)
    assert marked.encode().decode() == marked
    assert not any("\u202a" <= one <= "\u202e" or one in "\u061c\u200e\u200f" for one in marked)


def test_book_5_a_clock_far_ahead_is_marked() -> None:
    """BOOK-5: a claimed time ahead of our clock by more than the limit is shown as claimed, and marked."""
    (line,) = log_lines([LogEntry(item(0, 0, 1_000_000_000, (0, 0), arrival=8))])

    assert (line["at"], line["implausible"]) == (1_000_000_000, True)
