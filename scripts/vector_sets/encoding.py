"""vectors/encoding.json: CBOR-1 to CBOR-3."""

from vector_sets.base import MADE, Case, bad, cbor, good, head, shown

HEADER = {
    "title": "The encoding of all values",
    "rules": ["CBOR-1", "CBOR-2", "CBOR-3"],
    "made": MADE + "; bad octets are written by hand",
    "verified": "RFC 8949, Appendix A, for the values that stand there; the program's decoder",
    "groups": {"values": "`octets` decode to the value of `diagnostic` (RFC 8949, 8) and encode to the same octets"},
}


def arrays(levels: int) -> object:
    """Nested arrays."""
    return [arrays(levels - 1)] if levels > 1 else []


def maps(levels: int) -> object:
    """Nested maps."""
    return {"a": maps(levels - 1)} if levels > 1 else {}


GOOD: dict[str, object] = {
    **{
        f"integer {number}": number for number in (0, 1, 10, 23, 24, 25, 100, 255, 256, 1000, 65_535, 65_536, 1_000_000)
    },
    **{f"integer {number}": number for number in (2**32 - 1, 2**32, 10**12, 2**63, 2**64 - 1)},
    **{f"integer {number}": number for number in (-1, -10, -24, -25, -100, -256, -257, -1000, -(2**32), -(2**63))},
    "no octets": b"",
    "four octets": bytes.fromhex("01020304"),
    "23 octets": bytes(23),
    "24 octets": bytes(24),
    "256 octets": bytes(range(256)),
    "empty text": "",
    "text of one octet": "a",
    "text with quotes": '"\\',
    "text of two octets": "\u00fc",
    "text of three octets": "\u6c34",
    "text of four octets, above U+FFFF": "\U00010151",
    "text with a zero character": "a\0b",
    "text of 24 octets": "abcdefghijklmnopqrstuvwx",
    "false": False,
    "true": True,
    "null": None,
    "empty array": [],
    "array": [1, [2, 3], [4, 5]],
    "array of 25": list(range(1, 26)),
    "empty map": {},
    "map": {"a": 1, "b": [2, 3]},
    "map of five": {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"},
    "shorter keys stand first": {"b": 1, "z": 2, "aa": 3, "\u00fc": 4},
    "a key of no octets": {"": 0, "a": 1},
    "a key of 24 octets stands last": {"z": 1, "zzzzzzzzzzzzzzzzzzzzzzz": 2, "aaaaaaaaaaaaaaaaaaaaaaaa": 3},
    "16 levels of arrays": arrays(16),
    "16 levels of maps": maps(16),
}
BAD: list[tuple[str, str, str]] = [
    ("float of 16 bits", "CBOR-1", "f93c00"),
    ("float of 32 bits", "CBOR-1", "fa47c35000"),
    ("float of 64 bits", "CBOR-1", "fb3ff199999999999a"),
    ("infinity", "CBOR-1", "f97c00"),
    ("not a number", "CBOR-1", "f97e00"),
    ("undefined", "CBOR-1", "f7"),
    ("simple value 16", "CBOR-1", "f0"),
    ("simple value 255", "CBOR-1", "f8ff"),
    ("tag 0, a date", "CBOR-1", "c074323031332d30332d32315432303a30343a30305a"),
    ("tag 2, a bignum", "CBOR-1", "c249010000000000000000"),
    ("tag 55799, self-described", "CBOR-1", "d9d9f700"),
    ("a tag within an array", "CBOR-1", "81c100"),
    ("-2^63 - 1", "CBOR-1", "3b8000000000000000"),
    ("-2^64", "CBOR-1", "3bffffffffffffffff"),
    ("an integer as key", "CBOR-1 CBOR-2", "a10102"),
    ("octets as key", "CBOR-1", "a1416100"),
    ("an array as key", "CBOR-1 CBOR-2", "a18000"),
    ("null as key", "CBOR-1 CBOR-2", "a1f600"),
    ("text that is not UTF-8", "CBOR-1 CBOR-2", "61ff"),
    ("text with an overlong form", "CBOR-1 CBOR-2", "62c080"),
    ("text with a surrogate", "CBOR-1 CBOR-2", "63eda080"),
    ("text cut within a character", "CBOR-1 CBOR-2", "61c3"),
    ("nothing", "CBOR-2", ""),
    ("one octet left over", "CBOR-2", "0000"),
    ("a second value", "CBOR-2", "8080"),
    ("integer cut off", "CBOR-2", "19ff"),
    ("octets cut off", "CBOR-2", "420a"),
    ("array cut off", "CBOR-2", "8201"),
    ("map without its last value", "CBOR-2", "a16161"),
    ("array of 2^64 - 1 items cut off", "CBOR-2", "9bffffffffffffffff"),
    ("reserved head 28", "CBOR-2", "1c"),
    ("reserved head 30", "CBOR-2", "5e"),
    ("a break alone", "CBOR-2", "ff"),
    ("23 in two octets", "CBOR-2", "1817"),
    ("255 in three octets", "CBOR-2", "1900ff"),
    ("65535 in five octets", "CBOR-2", "1a0000ffff"),
    ("2^32 - 1 in nine octets", "CBOR-2", "1b00000000ffffffff"),
    ("-1 in two octets", "CBOR-2", "3800"),
    ("false in two octets", "CBOR-2", "f814"),
    ("long head of octets", "CBOR-2", "580100"),
    ("long head of a text", "CBOR-2", "780161"),
    ("long head of an array", "CBOR-2", "980100"),
    ("long head of a map", "CBOR-2", "b801616100"),
    ("indefinite octets", "CBOR-2", "5f4100ff"),
    ("indefinite text", "CBOR-2", "7f6161ff"),
    ("indefinite array", "CBOR-2", "9f00ff"),
    ("indefinite map", "CBOR-2", "bf616100ff"),
    ("keys out of order", "CBOR-2", "a2616200616100"),
    ("a longer key first", "CBOR-2", "a262616100616200"),
    ("a key twice", "CBOR-2", "a2616100616101"),
    ("keys out of order deep inside", "CBOR-2", "81a16161a2616200616100"),
]


def sets() -> dict[str, object]:
    """The file."""
    values: list[Case] = [good(name, **shown(value)) for name, value in GOOD.items()]
    values += [bad(name, rule, octets=octets) for name, rule, octets in BAD]
    values += [
        bad("17 levels of arrays", "CBOR-3", octets=cbor(arrays(17)).hex()),
        bad("17 levels of maps", "CBOR-3", octets=cbor(maps(17)).hex()),
        bad("an empty array at level 17", "CBOR-3", octets=cbor({"a": [1, arrays(15)]}).hex()),
        bad("100,000 levels", "CBOR-2 CBOR-3", parts=[[head(4, 1).hex(), 100_000], ["00", 1]]),
    ]
    return {"header": HEADER, "values": values}
