"""The strict TOML of spec/3: what is refused, and that what is written can be read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import LocalMisuse, Malformed
from detente.formats.toml_note import Writer, read_document
from detente.ids import Milliseconds

FIRST = "# Detente test, format 1"
WORD = re.compile(r"[a-z]+")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "first line"),
        ("a = 1\n", "first line"),
        (FIRST, "first line"),
        (f" {FIRST}\na = 1\n", "first line"),
        (f"{FIRST} \na = 1\n", "first line"),
        (f"\ufeff{FIRST}\na = 1\n", "first line"),
        (f"{FIRST}\r\na = 1\n", "first line"),
        (f"{FIRST}\na = 1", "last line"),
        (f"{FIRST}\n\ta = 1\n", "line 2"),
        (f"{FIRST}\na = 1\r\n", "line 2"),
        (f"{FIRST}\n# \x7f\n", "line 2"),
        (f"{FIRST}\n# \x00\n", "line 2"),
        (f"{FIRST}\n\n# {'a' * 4_095}\n", "line 3"),
        (f"{FIRST}\n# {chr(0x20AC) * 1_365}\n", "line 2"),
        (f"{FIRST}\na = 1\na = 2\n", "not TOML"),
        (f"{FIRST}\na = \n", "not TOML"),
        (f"{FIRST}\n[a]\n[a]\n", "not TOML"),
        (f'{FIRST}\na = "\\ud800"\n', "not TOML"),
        (f"{FIRST}\na = {'[' * 2_000}{']' * 2_000}\n", "nested"),
        (f"{FIRST}\na = " + "[\n" * 50_000, "nested"),
        (f"{FIRST}\n[{'a.' * 2_000}a]\nb = 1\n", "line 2 has more than 128 full stops"),
    ],
)
def test_the_subset(text: str, names: str) -> None:
    """spec/3: another first line, tabs, control characters, long lines, no TOML: refused with the place."""
    with pytest.raises(Malformed, match=names):
        read_document(text, FIRST)


def test_unknown_and_missing_keys() -> None:
    """spec/3: unknown keys are refused and missing ones named, with what is known and expected."""
    table = read_document(f"{FIRST}\na = 1\nb = 2\n", FIRST)
    assert table.number("a", 0, 9) == 1
    with pytest.raises(Malformed, match="b is unknown; known here are a"):
        table.done()
    with pytest.raises(Malformed, match="c is missing; expected a whole number from 0 to 9"):
        table.number("c", 0, 9)


def test_places_are_named() -> None:
    """A refusal deep in a document says where it is."""
    table = read_document(f"{FIRST}\n[[p]]\n[[p]]\n[[p.s]]\nx = 12\n", FIRST)
    tables = table.tables("p", least=1, most=2)
    with pytest.raises(Malformed, match="p 2, s 1, x: expected a whole number from 0 to 9, found 12"):
        tables[1].tables("s", least=1, most=1)[0].number("x", 0, 9)


@pytest.mark.parametrize(
    "value", ["true", "1.0", "-1", "10", '"1"', "[1]", "{}", "1979-05-27", "inf", "0x1" + "f" * 4_000]
)
def test_numbers(value: str) -> None:
    """spec/3: a number is a whole number within its bounds; booleans and floats are none."""
    with pytest.raises(Malformed, match="expected a whole number from 0 to 9"):
        read_document(f"{FIRST}\na = {value}\n", FIRST).number("a", 0, 9)


@pytest.mark.parametrize(
    "value",
    [
        "2030-01-31T06:00:00",
        "2030-01-31T06:00:00+01:00",
        "2030-01-31T06:00:00.5Z",
        "1969-12-31T23:59:59Z",
        "2030-01-31",
        "06:00:00",
        "1900000000",
        '"2030-01-31T06:00:00Z"',
    ],
)
def test_moments(value: str) -> None:
    """spec/3: a date-time is in UTC, in whole seconds, from 1970."""
    with pytest.raises(Malformed, match="UTC date and time"):
        read_document(f"{FIRST}\na = {value}\n", FIRST).moment("a")


@pytest.mark.parametrize("value", ["7", '"a"', '["a", 7]', '["a", "B"]', '["a", "a"]', "[]", '["a", "b", "c"]'])
def test_lists(value: str) -> None:
    """spec/3: a list holds different words, not too many."""
    with pytest.raises(Malformed, match=r"^a"):
        read_document(f"{FIRST}\na = {value}\n", FIRST).texts("a", "a word", WORD, least=1, most=2)


@pytest.mark.parametrize(
    "value", ["{}", '"en"', "{en = 1}", '{eng = "a"}', '{en = ""}', '{en = " "}', '{en = "a\\nb"}', '{en = "\\u0007"}']
)
def test_names(value: str) -> None:
    """spec/3: a table of names has language codes and one line each, of visible characters."""
    with pytest.raises(Malformed, match=r"^a"):
        read_document(f"{FIRST}\na = {value}\n", FIRST).names("a")


@pytest.mark.parametrize("value", ["7", '"ab"', '"' + "g" * 64 + '"', '"' + "A" * 64 + '"', '"' + "a" * 65 + '"'])
def test_digests(value: str) -> None:
    """spec/3: 64 hexadecimal digits in lower case, or an empty text."""
    with pytest.raises(Malformed, match="64 hexadecimal digits"):
        read_document(f"{FIRST}\na = {value}\n", FIRST).digest("a")


@pytest.mark.parametrize("value", ["7", '"a"', '"A b"'])
def test_texts(value: str) -> None:
    """spec/3: a text has the shape of its place."""
    assert read_document(f'{FIRST}\na = "abc"\n', FIRST).text("a", "a word", WORD) == "abc"
    with pytest.raises(Malformed, match="a: expected two letters or more, found"):
        read_document(f"{FIRST}\na = {value}\n", FIRST).text("a", "two letters or more", re.compile("[a-z]{2,}"))


@pytest.mark.parametrize("value", ["7", '"abc"', '"a+00000000+AA=="'])
def test_vkeys(value: str) -> None:
    """KEY-1: a verifier key is a text of its own form; the place is named."""
    with pytest.raises(Malformed, match=r"^a:"):
        read_document(f"{FIRST}\na = {value}\n", FIRST).vkey("a", 1)


@pytest.mark.parametrize(("text", "asked"), [("a = 1", "table"), ("a = 1", "tables"), ("a = [1]", "tables")])
def test_tables(text: str, asked: str) -> None:
    """spec/3: a value is no table."""
    table = read_document(f"{FIRST}\n{text}\n", FIRST)
    with pytest.raises(Malformed, match=r"expected .*\[a\]"):
        table.table("a") if asked == "table" else table.tables("a", least=1, most=2)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(texts, st.integers(-(2**63), 2**63 - 1), st.lists(texts, max_size=20), st.dictionaries(st.just("en"), texts))
def test_what_is_written_is_read(text: str, number: int, several: list[str], names: dict[str, str]) -> None:
    """Every text, number and list comes back from the writer's lines, whatever characters it has."""
    writer = Writer(FIRST)
    writer.comment("a line for people")
    writer.put("text", text)
    writer.put("number", number)
    writer.put("several", several)
    writer.put_names("names", names)

    def parse(document: str) -> object:
        table = read_document(document, FIRST)
        found = table.take("names", "") if names else {}
        return [table.take(key, "") for key in ("text", "number", "several")], found

    assert writer.document(parse, ([text, number, several], names)).startswith(FIRST)


@pytest.mark.parametrize(
    "text", ['a "b"\nc', 'a\n"""', 'a\n"', "\n", "\na\n", 'a\\\n\\"""b', "a\n\u0085b\n ", "a\nb\\"]
)
def test_several_lines(text: str) -> None:
    """A text of several lines comes back, quotes, backslashes and all."""
    writer = Writer(FIRST)
    writer.put_names("clause", {"en": text})
    document = writer.document(lambda written: read_document(written, FIRST).take("clause", ""), {"en": text})
    assert document.startswith(FIRST)


def test_several_lines_are_pleasant_to_read() -> None:
    """A quote within a text of several lines stands as people write it."""
    writer = Writer(FIRST)
    writer.put_names("clause", {"en": 'The "line"\nis open.'})
    document = writer.document(lambda _: None, None)
    assert document.endswith('clause.en = """\nThe "line"\nis open."""\n')


def test_moments_are_whole_seconds() -> None:
    """spec/3: a time between two seconds cannot be written."""
    with pytest.raises(LocalMisuse, match="whole seconds"):
        Writer(FIRST).put_moment("start", Milliseconds(1))


def test_what_cannot_be_read_is_not_written() -> None:
    """A line that is too long, or a value that comes back as another, is our own mistake."""
    writer = Writer(FIRST)
    writer.put("a", "a" * 5_000)
    with pytest.raises(LocalMisuse, match="longer"):
        writer.document(lambda text: read_document(text, FIRST).take("a", ""), "a" * 5_000)
    writer = Writer(FIRST)
    writer.put("a", "b")
    with pytest.raises(LocalMisuse, match="something else"):
        writer.document(lambda text: read_document(text, FIRST).take("a", ""), "c")
