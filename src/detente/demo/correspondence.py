"""A correspondence in a file: who wrote to whom, when, how urgently, in which language, and the text. See docs/REPLAY.md.

It keeps: the whole file is judged before anything of it is sent, and each fault names the message and the field; texts
come out of it octet for octet. Who plays whom is said by the operator, not by the file.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from detente.errors import LocalMisuse
from detente.formats.content import LANGUAGE
from detente.formats.entry import Precedence
from detente.ids import PartyId

SHIPPED: Final = ("molink-1967",)
FILE_OCTETS_MAX: Final = 67_108_864  # the largest correspondence at hand has under one million
TEXT_OCTETS_MAX: Final = 1_000_000  # as `detente send`: longer things are documents
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?", re.ASCII)
_PRECEDENCES: Final = tuple(one.name.lower() for one in reversed(Precedence))


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    """One message as it stands in the file."""

    sender: str
    to: str | list[str]
    text: str
    time: str | None = None
    precedence: str = "routine"
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Correspondence:
    """The messages of a file in their order, and the digest by which both ends know that it is the same file."""

    name: str
    digest: str  # the first 16 octets of the SHA-256 of the file, hexadecimal
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """One message with parties for names. `number` counts from 1; `moment` is `time` in seconds since 1970."""

    number: int
    sender: PartyId
    to: tuple[PartyId, ...]
    text: str
    time: str | None
    moment: float | None
    precedence: str
    language: str | None


def load(wanted: str) -> Correspondence:
    """The correspondence in a file, or a shipped one by its name. Raises LocalMisuse."""
    path = Path(wanted)
    if wanted in SHIPPED and not path.exists():
        octets = files("detente.demo").joinpath(f"scenarios/{wanted}.json").read_bytes()
    else:
        try:
            with path.open("rb") as file:
                octets = file.read(FILE_OCTETS_MAX + 1)
        except OSError as error:
            shipped = ", ".join(SHIPPED)
            raise LocalMisuse(f"{wanted} cannot be read: {error.strerror}; shipped by name: {shipped}") from error
    return read_correspondence(octets, wanted)


def read_correspondence(octets: bytes, name: str) -> Correspondence:
    """The messages in the octets of a file. Raises LocalMisuse that names file, message and field."""
    if len(octets) > FILE_OCTETS_MAX:
        raise LocalMisuse(f"{name} has more than {FILE_OCTETS_MAX} octets; cut it into several files")
    try:
        found = json.loads(octets.decode(), object_pairs_hook=_Object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise LocalMisuse(f"{name} is not JSON in UTF-8: {error}") from error
    if not isinstance(found, list):
        raise LocalMisuse(f"{name}: a correspondence is a JSON list of messages, [{{...}}, ...]")
    if not found:
        raise LocalMisuse(f"{name} holds no message")
    messages = tuple(_message(one, f"{name}: message {number}") for number, one in enumerate(found, start=1))
    return Correspondence(name, sha256(octets).hexdigest()[:32], messages)


def cast(
    correspondence: Correspondence, names: Mapping[str, PartyId], parties: Collection[PartyId]
) -> tuple[Planned, ...]:
    """Give every name its party: `names` first, else a name that is a party's id. Raises LocalMisuse."""
    for name, party in names.items():
        if party not in parties:
            raise LocalMisuse(f"--as {name}={party}: the channel has no party {party}; it has {', '.join(parties)}")
        if all(name not in (one.sender, *_addressees(one)) for one in correspondence.messages):
            raise LocalMisuse(f"--as {name}={party}: no message in {correspondence.name} names {name!r}")
    planned = []
    for number, message in enumerate(correspondence.messages, start=1):
        where = f"{correspondence.name}: message {number}"
        sender = _party(message.sender, names, parties, f"{where}, field `from`")
        to = tuple(dict.fromkeys(_party(one, names, parties, f"{where}, field `to`") for one in _addressees(message)))
        if sender in to:
            raise LocalMisuse(f"{where}, field `to`: {sender} would write to itself; see --as")
        moment = None if message.time is None else _moment(message.time)
        planned.append(
            Planned(
                number, sender, to, message.text, message.time, moment, message.precedence.lower(), message.language
            )
        )
    return tuple(planned)


class _Object(dict[str, object]):
    """A JSON object that remembers which names stood twice in it."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.twice = [name for name in self if names.count(name) > 1]


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _message(value: object, where: str) -> Message:
    try:
        message = msgspec.convert(value, type=Message)
    except msgspec.ValidationError as error:
        raise LocalMisuse(f"{where}{_field_of(str(error))}") from error
    except UnicodeEncodeError as error:
        raise LocalMisuse(f"{where}: the name of a field holds half of a surrogate pair") from error
    twice = value.twice if isinstance(value, _Object) else []
    for field, problem in (
        (next(iter(twice), ""), "stands twice"),
        (_field_of_no_text(message), "half of a surrogate pair is no text; write the whole character"),
        ("text" if not message.text or message.text.isspace() else "", "the text is empty"),
        (
            "text" if len(message.text.encode("utf-8", "surrogatepass")) > TEXT_OCTETS_MAX else "",
            f"more than {TEXT_OCTETS_MAX} octets",
        ),
        ("to" if not _addressees(message) else "", "nobody is addressed"),
        ("time" if not _is_time(message.time) else "", "write 1967-06-05, or 1967-06-05T07:47Z with Z or an offset"),
        ("precedence" if message.precedence.lower() not in _PRECEDENCES else "", f"one of {', '.join(_PRECEDENCES)}"),
        ("language" if not _is_language(message.language) else "", "two small letters, for example en"),
    ):
        if field:
            raise LocalMisuse(f"{where}, field `{field}`: {problem}")
    return message


def _field_of(problem: str) -> str:
    """`Expected ... - at `$.to[1]`` as ", field `to[1]`: expected ..."; without a place as ": object ..."."""
    text, _, place = problem.partition(" - at `$")
    text = text[:1].lower() + text[1:]
    field = place.rstrip("`").removeprefix(".")
    return f", field `{field}`: {text}" if field else f": {text}"


def _field_of_no_text(message: Message) -> str:
    for field, texts in (("from", [message.sender]), ("to", _addressees(message)), ("text", [message.text])):
        if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
            return field
    return ""


def _addressees(message: Message) -> list[str]:
    return [message.to] if isinstance(message.to, str) else message.to


def _is_language(language: str | None) -> bool:
    return language is None or LANGUAGE.fullmatch(language) is not None


def _is_time(time: str | None) -> bool:
    if time is None:
        return True
    try:
        return _TIME.fullmatch(time) is not None and _moment(time) is not None
    except ValueError:  # of no calendar
        return False


def _moment(time: str) -> float:
    """Seconds since 1970; a date alone is its first moment in UTC."""
    moment = datetime.fromisoformat(time)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _party(name: str, names: Mapping[str, PartyId], parties: Collection[PartyId], where: str) -> PartyId:
    party = names.get(name, PartyId(name))
    if party not in parties:
        raise LocalMisuse(
            f"{where}: {name!r} is no party of the channel ({', '.join(parties)}); say who plays it: "
            f"--as '{name}=PARTY'"
        )
    return party
