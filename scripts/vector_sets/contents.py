"""vectors/contents.json: READ-1, READ-2, READ-5."""

from typing import Any

from vector_sets.base import MADE, Case, Cases, bad, cbor, good, shown

HEADER = {
    "title": "Contents, and texts in parts",
    "rules": ["READ-1", "READ-2", "READ-3", "READ-5", "STATUS-1", "STATUS-2"],
    "made": MADE,
    "verified": "the program",
    "groups": {
        "contents": "`octets` are read to the map of `diagnostic` and written to the same octets",
        "references": "`text` is how people write `reference`",
        "parts": "`entries` of one channel, each [reference, content as octets]; `wholes` are the whole texts, "
        "each as [reference of part 1, text]; whatever is missing there is not shown as a whole text",
    },
}
GOOD: list[tuple[str, dict[str, Any]]] = [
    ("the least", {"form": "x"}),
    ("a form of 40 characters", {"form": "a-0" * 13 + "z"}),
    ("a message", {"form": "message", "to": ["bravo"], "by": "duty officer", "lang": "en", "text": "Line check."}),
    ("all keys", {
        "form": "message", "to": ["bravo", "charlie"], "info": ["harbour"], "by": "duty officer", "lang": "uk",
        "text": "\u0422\u0430\u043a.\n", "re": [["bravo", 1, 0], ["bravo", 64, 2**40 - 1]], "part": [2, 3],
        "fields": {"b": [1, -2**63, 2**64 - 1], "a": {"c": b"\x00", "d": None, "e": True}},
    }),
    ("an empty text", {"form": "message", "text": ""}),
    ("a text that is not normalised", {"form": "message", "text": " e\u0301\u00e9\r\n\t\u0000 "}),
    ("16 addressees", {"form": "message", "to": [f"p{number}" for number in range(16)]}),
    ("16 references", {"form": "acknowledge", "by": "watch", "re": [["alfa", 1, number] for number in range(16)]}),
    ("part 1 of 1", {"form": "message", "part": [1, 1], "text": "a"}),
    ("the largest part", {"form": "message", "part": [65_535, 65_535], "text": "a"}),
    ("no fields", {"form": "status", "fields": {}}),
    ("cannot process", {"form": "status", "fields": {"kind": "cannot process", "entry": ["alfa", 1, 7], "reason": "padding"}}),
    ("held", {"form": "status", "fields": {"kind": "held", "entry": ["alfa", 2, 7], "leaf": bytes(range(32))}}),
]  # fmt: skip
BAD: list[tuple[str, str, Any]] = [
    ("an array", "READ-1", ["message"]),
    ("an empty map", "READ-1", {}),
    ("no form", "READ-1", {"text": "a"}),
    ("an unknown key", "READ-1", {"form": "message", "subject": "a"}),
    ("an empty form", "READ-1", {"form": ""}),
    ("a form of 41 characters", "READ-1", {"form": "a" * 41}),
    ("a form in capitals", "READ-1", {"form": "Message"}),
    ("a form that is not a text", "READ-1", {"form": 1}),
    ("an empty list of addressees", "READ-1", {"form": "message", "to": []}),
    ("17 addressees", "READ-1", {"form": "message", "to": ["a"] * 17}),
    ("an addressee that is no id", "READ-1", {"form": "message", "to": ["Bravo"]}),
    ("an addressee of 25 characters", "READ-1", {"form": "message", "info": ["a" * 25]}),
    ("an addressee that is not in a list", "READ-1", {"form": "message", "info": "bravo"}),
    ("an empty function", "READ-1", {"form": "message", "by": ""}),
    ("a function of 201 octets", "READ-1", {"form": "message", "by": "\u00fc" * 100 + "a"}),
    ("a language of three letters", "READ-1", {"form": "message", "lang": "eng"}),
    ("a language in capitals", "READ-1", {"form": "message", "lang": "EN"}),
    ("a text in octets", "READ-1", {"form": "message", "text": b"a"}),
    ("a text that is null", "READ-1", {"form": "message", "text": None}),
    ("an empty list of references", "READ-1", {"form": "message", "re": []}),
    ("17 references", "READ-1", {"form": "message", "re": [["a", 1, 0]] * 17}),
    ("a reference of two", "READ-2", {"form": "message", "re": [["a", 1]]}),
    ("a reference to book 0", "READ-2", {"form": "message", "re": [["a", 0, 0]]}),
    ("a reference to book 65", "READ-2", {"form": "message", "re": [["a", 65, 0]]}),
    ("a reference to index 2^40", "READ-2", {"form": "message", "re": [["a", 1, 2**40]]}),
    ("a reference as a text", "READ-2", {"form": "message", "re": ["a/1"]}),
    ("part 0", "READ-1", {"form": "message", "part": [0, 1]}),
    ("part 2 of 1", "READ-1", {"form": "message", "part": [2, 1]}),
    ("part 1 of 65,536", "READ-1", {"form": "message", "part": [1, 65_536]}),
    ("part true of 1", "READ-1", {"form": "message", "part": [True, 1]}),
    ("part of three numbers", "READ-1", {"form": "message", "part": [1, 2, 3]}),
    ("fields in an array", "READ-1", {"form": "x", "fields": []}),
]


def nested(levels: int) -> object:
    """Arrays."""
    return [nested(levels - 1)] if levels else None


def contents() -> Cases:
    """READ-1, READ-2, READ-3, SEAL-5."""
    cases = [good(name, **shown(value)) for name, value in GOOD]
    cases.append(good("fields to level 16", **shown({"form": "x", "fields": {"a": nested(14)}})))
    cases += [bad(name, rule, octets=cbor(value).hex()) for name, rule, value in BAD]
    cases.append(bad("fields to level 17", "CBOR-3", octets=cbor({"form": "x", "fields": {"a": nested(15)}}).hex()))
    cases.append(
        bad(
            "a float in fields", "CBOR-1", octets=(cbor({"form": "x", "fields": {"a": 0}})[:-1] + b"\xf9\x3c\x00").hex()
        )
    )
    cases.append(
        bad("keys out of order", "CBOR-2", octets=(b"\xa2" + cbor("text") + cbor("a") + cbor("form") + cbor("x")).hex())
    )
    cases.append(bad("an octet after it", "CBOR-2", octets=cbor({"form": "x"}).hex() + "00"))
    return cases


def references() -> Cases:
    """READ-2."""
    return [
        good("of book 1", text="alfa/0", reference=["alfa", 1, 0]),
        good("of book 2", text="alfa.2/17", reference=["alfa", 2, 17]),
        good("of the last book", text="a-1.64/1099511627775", reference=["a-1", 64, 2**40 - 1]),
    ]


def part(k: int, n: int, text: str, first: list[Any] | None = None, **more: object) -> str:
    """One part."""
    content: dict[str, Any] = {"form": "message", "to": ["bravo"], "text": text, "part": [k, n], **more}
    if first:
        content["re"] = [first, *content.get("re", [])]
    return cbor(content).hex()


def parts() -> Cases:
    """READ-5."""
    one: list[Any] = ["alfa", 1, 3]
    first, second, third = part(1, 3, "a "), part(2, 3, "b\n", one), part(3, 3, "c", one)

    def at(index: int) -> list[Any]:
        return ["alfa", 1, index]

    def case(name: str, entries: list[Any], *wholes: list[Any]) -> Case:
        return good(name, entries=entries, wholes=list(wholes))

    return [
        case("three parts", [[at(3), first], [at(4), second], [at(5), third]], [one, "a b\nc"]),
        case(
            "with other entries between them",
            [[at(3), first], [at(4), cbor({"form": "x"}).hex()], [at(8), second], [at(9), third]],
            [one, "a b\nc"],
        ),
        case("out of order in the book", [[at(3), first], [at(4), third], [at(5), second]], [one, "a b\nc"]),
        case("one missing", [[at(3), first], [at(5), third]]),
        case(
            "a part twice: the smaller index counts",
            [[at(3), first], [at(4), second], [at(5), third], [at(6), part(2, 3, "x", one)]],
            [one, "a b\nc"],
        ),
        case("another number of parts", [[at(3), first], [at(4), part(2, 4, "b", one)], [at(5), third]]),
        case("other addressees", [[at(3), first], [at(4), part(2, 3, "b", one, to=["charlie"])], [at(5), third]]),
        case("another form", [[at(3), first], [at(4), part(2, 3, "b", one, form="notice")], [at(5), third]]),
        case("a part that refers to nothing", [[at(3), first], [at(4), part(2, 3, "b")], [at(5), third]]),
        case("a part in another book", [[at(3), first], [["alfa", 2, 4], second], [at(5), third]]),
        case("a part of another party", [[at(3), first], [["bravo", 1, 4], second], [at(5), third]]),
        case("part 1 of 1 is no text in parts", [[at(3), part(1, 1, "a")]]),
        case(
            "with references of its own",
            [[at(3), part(1, 2, "a", re=[["bravo", 1, 0]])], [at(4), part(2, 2, "b", one, re=[["bravo", 1, 0]])]],
            [one, "ab"],
        ),
        case(
            "two texts side by side",
            [
                [at(3), part(1, 2, "a")],
                [at(4), part(1, 2, "c")],
                [at(5), part(2, 2, "d", at(4))],
                [at(6), part(2, 2, "b", one)],
            ],
            [one, "ab"],
            [at(4), "cd"],
        ),
    ]


def sets() -> dict[str, object]:
    """The file."""
    return {"header": HEADER, "contents": contents(), "references": references(), "parts": parts()}
