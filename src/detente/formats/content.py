"""Contents: what people say to each other, READ-1 to READ-3 and SEAL-5.

It keeps: a content has exactly the keys of READ-1, each of its shape; texts come back octet for octet (READ-3). What a
form means, and whether a reference leads anywhere, is not asked here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import Value, check_value, decode_untyped, encode_untyped, is_map
from detente.formats.shapes import check_array, check_party_id, check_party_ids, check_text, check_unsigned
from detente.ids import PartyId, Ref
from detente.limits import BOOKS_PER_PARTY_MAX, INDEX_MAX

FORM: Final = re.compile(r"[a-z0-9-]{1,40}")
LANGUAGE: Final = re.compile(r"[a-z]{2}")
BY_OCTETS_MAX: Final = 200
REFERENCES_MAX: Final = 16
PARTS_MAX: Final = 65_535

_RULE = "READ-1"


@dataclass(frozen=True, slots=True)
class Content:
    """READ-1. What is absent in the map is an empty tuple or None here; `fields` is immutable once decoded."""

    form: str
    to: tuple[PartyId, ...] = ()
    info: tuple[PartyId, ...] = ()
    by: str | None = None
    lang: str | None = None
    text: str | None = None
    re: tuple[Ref, ...] = ()
    part: tuple[int, int] | None = None
    fields: Mapping[str, Value] | None = None


def encode_content(content: Content) -> bytes:
    """The octets of a content. Raises LocalMisuse if it does not fit READ-1."""
    fields = content_to_map(content)
    try:
        _check_map(fields, level=1)
    except Malformed as fault:
        raise LocalMisuse(f"this content cannot be written: {fault.text}", rule=fault.rule) from fault
    return encode_untyped(fields)


def decode_content(data: bytes) -> Content:
    """The content in `data`. Raises Malformed (READ-1, CBOR-1 to CBOR-3)."""
    return content_of_map(decode_untyped(data))


def content_to_map(content: Content) -> dict[str, Any]:
    """The map of READ-1; what is absent has no key."""
    lists = {"to": content.to, "info": content.info, "re": content.re}
    values = {
        "by": content.by, "lang": content.lang, "text": content.text, "part": content.part, "fields": content.fields,
    }  # fmt: skip
    return {
        "form": content.form,
        **{key: tuple(one) for key, one in lists.items() if one},
        **{key: one for key, one in values.items() if one is not None},
    }


def content_of_map(value: object, *, level: int = 1) -> Content:
    """The content that a decoded map holds, every value in it checked; `level` is that of the map itself (CBOR-3).

    Raises Malformed (READ-1, CBOR-1, CBOR-3).
    """
    fields = _check_map(value, level=level)
    if "re" in fields:
        return Content(**{**fields, "re": tuple(Ref._make(one) for one in fields["re"])})
    return Content(**fields)


def _check_map(value: object, *, level: int) -> Mapping[str, Any]:
    """`value`, a map with the keys of READ-1, every value in it checked."""
    if not is_map(value):
        raise Malformed("a content is a map", rule=_RULE)
    if "form" not in value:
        raise Malformed("a content has a form", rule=_RULE)
    for key, part in value.items():
        check = _CHECKS.get(key)
        if check is None:
            raise Malformed(f"a content has no key {key!r}; it has {', '.join(_CHECKS)}", rule=_RULE)
        check(part)
        if key == "fields":
            check_value(part, level=level + 1)
    return value


def _check_form(value: object) -> None:
    if type(value) is not str or not FORM.fullmatch(value):
        raise Malformed("a form is named by 1 to 40 characters a-z, 0-9 or -", rule=_RULE)


def _check_to(value: object) -> None:
    check_party_ids(value, "`to`", _RULE)


def _check_info(value: object) -> None:
    check_party_ids(value, "`info`", _RULE)


def _check_by(value: object) -> None:
    check_text(value, BY_OCTETS_MAX, "`by`", _RULE)


def _check_lang(value: object) -> None:
    if type(value) is not str or not LANGUAGE.fullmatch(value):
        raise Malformed("`lang` is a language code of two letters, for example en", rule=_RULE)


def _check_text(value: object) -> None:
    if type(value) is not str:
        raise Malformed("`text` is a text", rule=_RULE)


def _check_re(value: object) -> None:
    if type(value) is not tuple or not 1 <= len(value) <= REFERENCES_MAX:
        raise Malformed(f"`re` is a list of 1 to {REFERENCES_MAX} references", rule=_RULE)
    for one in value:
        party, book, index = check_array(one, 3, None, "READ-2")
        check_party_id(party, "the party of a reference", "READ-2")
        check_unsigned(book, BOOKS_PER_PARTY_MAX, "the book of a reference", "READ-2", least=1)
        check_unsigned(index, INDEX_MAX - 1, "the index of a reference", "READ-2")


def _check_part(value: object) -> None:
    part, parts = check_array(value, 2, None, _RULE)
    check_unsigned(parts, PARTS_MAX, "the number of parts", _RULE, least=1)
    check_unsigned(part, parts, "`part`", _RULE, least=1)


def _check_fields(value: object) -> None:
    if not isinstance(value, Mapping):
        raise Malformed("`fields` is a map", rule=_RULE)


_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = MappingProxyType(
    {
        "form": _check_form,
        "to": _check_to,
        "info": _check_info,
        "by": _check_by,
        "lang": _check_lang,
        "text": _check_text,
        "re": _check_re,
        "part": _check_part,
        "fields": _check_fields,
    }
)
