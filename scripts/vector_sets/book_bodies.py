"""Bodies that are not sealed, for vectors/books.json: BOOK-13 to BOOK-18."""

from typing import Any

from vector_sets.base import Cases, bad, cbor, diagnostic, good, seed
from vector_sets.record import ADOPT, CLOSING, ERASED, KEYS, OPEN, OPENING, ReaderKey, origin_of

HPKE = ReaderKey("bodies").public
ROOT, CHECK, DIGEST = seed("bodies root"), seed("bodies check"), seed("bodies digest")
WRAP = bytes(1_168)
HEADS = [[origin_of("alfa", 1), 7, ROOT], [origin_of("alfa", 2), 0, ROOT]]
READER = origin_of("bravo", 1)
OPENED: list[Any] = ["opening", DIGEST, "restored", HEADS, HPKE]
BEGUN: list[Any] = ["keys", ["alfa", "bravo"], CHECK, [[READER, 0, WRAP]], HPKE]

FINE: list[tuple[str, int, Any]] = [
    ("an opening", OPENING, OPENED),
    ("an opening with a reason of 200 octets and no heads", OPENING, ["opening", DIGEST, "\u00fc" * 100, [], HPKE]),
    ("any 1,216 octets as HPKE key", OPENING, ["opening", DIGEST, "founded", [], bytes(1_216)]),
    ("an opening with 64 heads", OPENING, ["opening", DIGEST, "x", [[READER, 2**40 - 1, ROOT]] * 64, HPKE]),
    ("keys", KEYS, BEGUN),
    ("keys for nobody else, without a next key", KEYS, ["keys", ["alfa"], CHECK, [], None]),
    ("an open entry", OPEN, ["open", {"form": "message", "text": "a"}]),
    (
        "an open status",
        OPEN,
        ["open", {"form": "status", "fields": {"kind": "held", "entry": ["alfa", 1, 7], "leaf": ROOT}}],
    ),
    ("adopt a charter", ADOPT, ["adopt", "charter", 2, DIGEST]),
    ("adopt a book", ADOPT, ["adopt", "book", 65_535, DIGEST]),
    ("erased", ERASED, ["erased", 2**40 - 1, "x" * 400]),
    ("closing", CLOSING, ["closing", "moved"]),
]
WRONG: list[tuple[str, str, int, Any]] = [
    ("an opening of four fields", "BOOK-13", OPENING, OPENED[:4]),
    ("an opening of six fields", "BOOK-13", OPENING, [*OPENED, 0]),
    ("an opening with another label", "BOOK-13", OPENING, ["open", *OPENED[1:]]),
    ("an opening with a short digest", "BOOK-13", OPENING, ["opening", DIGEST[1:], *OPENED[2:]]),
    ("an opening without a reason", "BOOK-13", OPENING, ["opening", DIGEST, "", *OPENED[3:]]),
    (
        "an opening with a reason of 201 octets",
        "BOOK-13",
        OPENING,
        ["opening", DIGEST, "\u00fc" * 100 + "a", *OPENED[3:]],
    ),
    ("an opening with 65 heads", "BOOK-13", OPENING, ["opening", DIGEST, "x", [HEADS[0]] * 65, HPKE]),
    ("a head of two fields", "BOOK-13", OPENING, ["opening", DIGEST, "x", [HEADS[0][:2]], HPKE]),
    ("a head of size 2^40", "BOOK-13", OPENING, ["opening", DIGEST, "x", [[READER, 2**40, ROOT]], HPKE]),
    ("a head without an origin", "BOOK-13", OPENING, ["opening", DIGEST, "x", [["", 1, ROOT]], HPKE]),
    ("an HPKE key of 1,217 octets", "BOOK-13 KEY-4", OPENING, ["opening", DIGEST, "x", [], HPKE + b"\0"]),
    ("an opening without an HPKE key", "BOOK-13 KEY-4", OPENING, ["opening", DIGEST, "x", [], None]),
    ("keys of four fields", "BOOK-14", KEYS, BEGUN[:4]),
    ("an audience of nobody", "BOOK-14", KEYS, ["keys", [], *BEGUN[2:]]),
    ("an audience of 17", "BOOK-14", KEYS, ["keys", ["alfa"] * 17, *BEGUN[2:]]),
    ("an audience that is no id", "BOOK-14", KEYS, ["keys", ["Alfa"], *BEGUN[2:]]),
    ("a check of 31 octets", "BOOK-14", KEYS, ["keys", ["alfa"], CHECK[1:], *BEGUN[3:]]),
    ("13 wraps", "BOOK-14 EPOCH-6", KEYS, ["keys", ["alfa"], CHECK, [[READER, 0, WRAP]] * 13, None]),
    ("a wrap of 1,167 octets", "BOOK-14 EPOCH-5", KEYS, ["keys", ["alfa"], CHECK, [[READER, 0, WRAP[1:]]], None]),
    ("a wrap for a key at 2^40", "BOOK-14", KEYS, ["keys", ["alfa"], CHECK, [[READER, 2**40, WRAP]], None]),
    ("a next key of 32 octets", "BOOK-14 KEY-4", KEYS, [*BEGUN[:4], bytes(32)]),
    ("a next key that is false", "BOOK-14 KEY-4", KEYS, [*BEGUN[:4], False]),
    ("an open entry without a content", "BOOK-15", OPEN, ["open"]),
    ("an open entry with a text", "BOOK-15 READ-1", OPEN, ["open", "a"]),
    ("an open entry with an unknown key", "BOOK-15 READ-1", OPEN, ["open", {"form": "message", "subject": "a"}]),
    ("adopt what is unknown", "BOOK-16", ADOPT, ["adopt", "card", 2, DIGEST]),
    ("adopt number 0", "BOOK-16", ADOPT, ["adopt", "charter", 0, DIGEST]),
    ("adopt number 65,536", "BOOK-16", ADOPT, ["adopt", "charter", 65_536, DIGEST]),
    ("adopt without a digest", "BOOK-16", ADOPT, ["adopt", "charter", 2]),
    ("erased at 2^40", "BOOK-17", ERASED, ["erased", 2**40, "x"]),
    ("erased without an authority", "BOOK-17", ERASED, ["erased", 1, ""]),
    ("erased with an authority of 401 octets", "BOOK-17", ERASED, ["erased", 1, "x" * 401]),
    ("closing without a reason", "BOOK-18", CLOSING, ["closing", ""]),
    ("closing with a reason of 401 octets", "BOOK-18", CLOSING, ["closing", "x" * 401]),
    ("closing as a map", "BOOK-18", CLOSING, {"closing": "moved"}),
]


def packed(value: Any) -> dict[str, Any]:  # noqa: ANN401 any body
    """`octets`, or `parts` of a body with a long run of zeros."""
    octets = cbor(value)
    run = bytes(1_000)
    if run not in octets or octets.count(run) > 1:
        return {"octets": octets.hex()}
    before, _, rest = octets.partition(run)
    after = rest.lstrip(b"\0")
    return {"parts": [[before.hex(), 1], ["00", len(octets) - len(before) - len(after)], [after.hex(), 1]]}


def fields_to(level: int) -> object:
    """Nested arrays."""
    return [fields_to(level - 1)] if level else None


def bodies() -> Cases:
    """BOOK-13 to BOOK-18, CBOR-3."""
    cases = []
    for name, kind, body in FINE:
        text = diagnostic(body)
        said = {"diagnostic": text} if len(text) <= 1_000 else {}
        cases.append(good(name, kind=kind, **packed(body), **said))
    deep = ["open", {"form": "x", "fields": {"a": fields_to(13)}}]
    cases.append(good("fields to level 16: a content in an open body begins at level 2", kind=OPEN, **packed(deep)))
    cases += [bad(name, rule, kind=kind, **packed(body)) for name, rule, kind, body in WRONG]
    deeper = ["open", {"form": "x", "fields": {"a": fields_to(14)}}]
    cases.append(bad("fields to level 17", "CBOR-3", kind=OPEN, **packed(deeper)))
    octets = cbor(["open", {"form": "message", "text": "a" * 16_362}])
    largest = ["open", {"form": "message", "text": "a" * (16_362 + 16_384 - len(octets))}]
    cases.append(good("16,384 octets", kind=OPEN, parts=runs(cbor(largest))))
    longer = ["open", {"form": "message", "text": "a" * (16_363 + 16_384 - len(octets))}]
    cases.append(bad("16,385 octets", "BOOK-2", kind=OPEN, parts=runs(cbor(longer))))
    return cases


def runs(octets: bytes) -> list[list[Any]]:
    """A body that ends in many equal octets, as `parts`."""
    rest = octets.rstrip(octets[-1:])
    return [[rest.hex(), 1], [octets[-1:].hex(), len(octets) - len(rest)]]
