"""The strict TOML of cards, charters and book notes (spec/3): reading with friendly refusals, and a small writer.

It keeps: the first line is the fixed one; there are no tabs, no control characters, no lines above 4,096 octets or 128
full stops; every key is asked for once, and a key that nobody asked for is refused. tomllib reads TOML itself.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, Final

from detente.errors import LocalMisuse, Malformed
from detente.ids import PARTY_ID, Milliseconds, PartyId
from detente.limits import TEXT_LINE_OCTETS_MAX, TEXT_LINE_STOPS_MAX
from detente.tlog.note import VerifierKey, parse_vkey

LANGUAGE: Final = re.compile(r"[a-z]{2}")
NAME_CHARACTERS_MAX: Final = 120

_RULE: Final = "spec/3"
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # NOTE-1: all but newline
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SHOWN_MAX: Final = 2**64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - timezone.utc is what tomllib gives

# --- reading


class Table:
    """One table of a document. Each key is taken once; `path` names it in refusals ("party 2, station 1")."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = dict(values)
        self._asked: list[str] = []
        self._path = path

    def has(self, key: str) -> bool:
        """Whether an optional key is there."""
        self._asked.append(key)
        return key in self._values

    def take(self, key: str, expected: str) -> object:
        """The value of a key, of any type. Raises Malformed if it is missing."""
        self._asked.append(key)
        if key not in self._values:
            raise Malformed(f"{self._at(key)} is missing; expected {expected}", rule=_RULE)
        return self._values.pop(key)

    def text(self, key: str, expected: str, pattern: re.Pattern[str]) -> str:
        """A text that matches `pattern` in full."""
        value = self.take(key, expected)
        if type(value) is not str or not pattern.fullmatch(value):
            raise self.refused(key, expected, value)
        return value

    def line(self, key: str, expected: str, characters_max: int) -> str:
        """A text of 1 to `characters_max` characters for people, in one line."""
        value = self.take(key, expected)
        if not _is_line(value, characters_max):
            raise self.refused(key, expected, value)
        return str(value)

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of a few words."""
        expected = "one of " + ", ".join(f'"{one}"' for one in choices)
        value = self.take(key, expected)
        if type(value) is not str or value not in choices:
            raise self.refused(key, expected, value)
        return value

    def number(self, key: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        expected = f"a whole number from {least} to {most}"
        value = self.take(key, expected)
        if type(value) is not int or not least <= value <= most:
            raise self.refused(key, expected, value)
        return value

    def party_id(self, key: str) -> PartyId:
        """A party or station id."""
        return PartyId(self.text(key, "1 to 24 characters a-z, 0-9 or -, beginning with a letter", PARTY_ID))

    def digest(self, key: str) -> bytes | None:
        """64 hexadecimal digits as 32 octets; "" is None."""
        expected = '64 hexadecimal digits, or ""'
        value = self.take(key, expected)
        if value == "":
            return None
        if type(value) is not str or not _DIGEST.fullmatch(value):
            raise self.refused(key, expected, value)
        return bytes.fromhex(value)

    def vkey(self, key: str, kind: int) -> VerifierKey:
        """A verifier key of one type (KEY-2)."""
        expected = f"a verifier key (vkey) of type 0x{kind:02x}"
        value = self.take(key, expected)
        if type(value) is not str:
            raise self.refused(key, expected, value)
        with refusals_at(self._at(key)):
            found = parse_vkey(value)
        if found.kind != kind:
            raise Malformed(f"{self._at(key)}: expected {expected}, found type 0x{found.kind:02x}", rule="KEY-2")
        return found

    def texts(self, key: str, expected: str, pattern: re.Pattern[str], *, least: int, most: int) -> tuple[str, ...]:
        """A list of different texts that match `pattern`."""
        value = self.take(key, f"a list of {expected}")
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.refused(key, f"a list of {least} to {most} items, each {expected}", value)
        for one in value:
            if type(one) is not str or not pattern.fullmatch(one):
                raise self.refused(key, f"a list of {expected}", one)
        if len(set(value)) != len(value):
            raise Malformed(f"{self._at(key)} names something twice", rule=_RULE)
        return tuple(value)

    def names(self, key: str, characters_max: int = NAME_CHARACTERS_MAX, *, lines: bool = False) -> Mapping[str, str]:
        """A table from language codes to texts, at least one; in one line each unless `lines`."""
        expected = f"a table of language codes and texts of 1 to {characters_max} characters"
        value = self.take(key, expected)
        if not isinstance(value, dict) or not value:
            raise self.refused(key, expected, value)
        for language, text in value.items():
            if not LANGUAGE.fullmatch(language):
                raise self.refused(f"{key}.{language}", "a language code of two letters, for example en", language)
            if not _is_line(text.replace("\n", " ") if lines and type(text) is str else text, characters_max):
                raise self.refused(f"{key}.{language}", f"a text of 1 to {characters_max} characters", text)
        return MappingProxyType(value)

    def moment(self, key: str) -> Milliseconds:
        """A UTC date-time, from 1970, in whole seconds."""
        expected = "a UTC date and time in whole seconds, for example 2030-01-31T06:00:00Z"
        value = self.take(key, expected)
        if not isinstance(value, datetime) or value.utcoffset() != timedelta(0) or value.microsecond or value < _EPOCH:
            raise self.refused(key, expected, value)
        return Milliseconds((value - _EPOCH) // timedelta(milliseconds=1))

    def table(self, key: str) -> "Table":
        """A table within this one."""
        value = self.take(key, f"a table [{key}]")
        if not isinstance(value, dict):
            raise self.refused(key, f"a table [{key}]", value)
        return Table(value, self._at(key))

    def tables(self, key: str, *, least: int, most: int) -> list["Table"]:
        """The tables of an array of tables, in order. It may be missing where `least` is 0."""
        if least == 0 and not self.has(key):
            return []
        expected = f"{least} to {most} tables [[{key}]]"
        value = self.take(key, expected)
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.refused(key, expected, value)
        if not all(isinstance(one, dict) for one in value):
            raise self.refused(key, expected, value)
        return [Table(one, f"{self._at(key)} {number}") for number, one in enumerate(value, start=1)]

    def done(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self._values:
            known = ", ".join(dict.fromkeys(self._asked))
            raise Malformed(f"{self._at(key)} is unknown; known here are {known}", rule=_RULE)

    def refused(self, key: str, expected: str, value: object) -> Malformed:
        """The refusal of a value, for the caller to raise."""
        return Malformed(f"{self._at(key)}: expected {expected}, found {_shown(value)}", rule=_RULE)

    def _at(self, key: str) -> str:
        return f"{self._path}, {key}" if self._path else key


def read_document(text: str, first_line: str) -> Table:
    """The top table of a document. Raises Malformed."""
    if not text.startswith(first_line + "\n"):
        raise Malformed(f"the first line must be exactly {first_line!r}", rule=_RULE)
    if not text.endswith("\n"):
        raise Malformed("the last line must end in a newline", rule="NOTE-1")
    for number, line in enumerate(text.split("\n"), start=1):
        if _CONTROL.search(line):
            raise Malformed(f"line {number} holds a tab or another control character; use spaces", rule=_RULE)
        if len(line.encode("utf-8", "surrogatepass")) > TEXT_LINE_OCTETS_MAX:
            raise Malformed(f"line {number} is longer than {TEXT_LINE_OCTETS_MAX} octets; break it", rule=_RULE)
        if line.count(".") > TEXT_LINE_STOPS_MAX:  # tomllib takes time by the square of the parts of a dotted key
            raise Malformed(f"line {number} has more than {TEXT_LINE_STOPS_MAX} full stops; break it", rule=_RULE)
    try:
        return Table(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Malformed(f"this is not TOML: {error}", rule=_RULE) from error
    except RecursionError as error:  # tomllib reads nested arrays by recursion, whatever their depth
        raise Malformed("arrays are nested too deep", rule=_RULE) from error


@contextmanager
def refusals_at(place: str) -> Iterator[None]:
    """Put the place before the text of a refusal from below."""
    try:
        yield
    except Malformed as fault:
        raise Malformed(f"{place}: {fault.text}", rule=fault.rule) from fault


def _is_line(value: object, characters_max: int) -> bool:
    return (
        type(value) is str
        and 1 <= len(value) <= characters_max
        and not value.isspace()
        and not _CONTROL.search(value)
        and "\n" not in value
    )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, int) and abs(value) > _SHOWN_MAX:
        return "a number beyond all bounds"  # Python refuses to write numbers of thousands of digits
    shown = repr(value) if isinstance(value, str | int) else str(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


# --- writing


class Writer:
    """Lines of a document, in the order of the calls. Values come out so that `read_document` gives them back."""

    def __init__(self, first_line: str) -> None:
        self._lines = [first_line]

    def comment(self, text: str) -> None:
        """A line for people, after an empty one."""
        self._lines += ["", f"# {text}"]

    def table(self, name: str) -> None:
        """The head of a table."""
        self._head(f"[{name}]")

    def table_of_array(self, name: str) -> None:
        """The head of the next table of an array."""
        self._head(f"[[{name}]]")

    def put(self, key: str, value: str | int | Sequence[str]) -> None:
        """One key. A list that is long for a line of paper gets a line for each item."""
        if isinstance(value, str):
            self._lines.append(f"{key} = {_quoted(value)}")
        elif isinstance(value, int):
            self._lines.append(f"{key} = {value}")
        else:
            self._put_list(key, [_quoted(one) for one in value])

    def put_names(self, key: str, names: Mapping[str, str]) -> None:
        """A table from language codes to texts, one line for each line of text."""
        for language, text in names.items():
            if "\n" in text:
                self._put_lines(f"{key}.{language}", text)
            else:
                self._lines.append(f"{key}.{language} = {_quoted(text)}")

    def put_moment(self, key: str, moment: Milliseconds) -> None:
        """A UTC date-time."""
        if moment % 1000:
            raise LocalMisuse(f"{key} is a time in whole seconds")
        self._lines.append(f"{key} = {(_EPOCH + timedelta(milliseconds=moment)):%Y-%m-%dT%H:%M:%SZ}")

    def document(self, parse: Callable[[str], object], value: object) -> str:
        """The whole text. Raises LocalMisuse unless `parse` gives `value` back: what is written can always be read."""
        text = "\n".join(self._lines) + "\n"
        try:
            same = parse(text) == value
        except Malformed as fault:
            raise LocalMisuse(fault.text, rule=fault.rule) from fault
        if not same:
            raise LocalMisuse("this cannot be written: reading it again gives something else")
        return text

    def _head(self, line: str) -> None:
        if not self._lines[-1].startswith("# "):  # a comment belongs to what follows it
            self._lines.append("")
        self._lines.append(line)

    def _put_list(self, key: str, items: list[str]) -> None:
        line = f"{key} = [{', '.join(items)}]"
        if len(line) <= 100:
            self._lines.append(line)
        else:
            self._lines += [f"{key} = [", *(f"  {item}," for item in items), "]"]

    def _put_lines(self, key: str, text: str) -> None:
        """Several lines of text as people write them: the newline after the opening quotes is not part of the text."""
        escaped = _escaped(text)
        if '"""' in escaped or escaped.endswith('"'):
            escaped = escaped.replace('"', '\\"')
        self._lines.append(f'{key} = """\n{escaped}"""')


def _quoted(text: str) -> str:
    return '"' + _escaped(text).replace('"', '\\"').replace("\n", "\\n") + '"'


def _escaped(text: str) -> str:
    """Backslashes and control characters escaped; quotes and newlines left to the caller."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\\", "\\\\"))
