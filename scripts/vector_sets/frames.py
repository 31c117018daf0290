"""vectors/frames.json: the frames of spec/6, their framing on a stream, and what a station makes of them."""

from typing import Any

from vector_sets import receiving
from vector_sets.base import MADE, Cases, Kept, bad, cbor, digest, good, seed, shown
from vector_sets.world import CHANNEL, FIRST

HEADER = {
    "title": "Frames, and what a station makes of them",
    "rules": [*(f"FRAME-{number}" for number in range(1, 10)), "FORK-1", "FORK-2", "BOOK-11", "OPEN-3", "CHARTER-6"],
    "made": MADE + "; ML-DSA-44 signatures are kept in random.json",
    "verified": "the program",
    "groups": {
        "shapes": "FRAME-1: the frame `octets` is read to `diagnostic` and written to the same octets; a bad one ends the link. "
        "Only its shape counts: signatures and hashes are made up",
        "streams": "FRAME-1: the stream `octets` holds the frames `frames`, and then `rest` octets of one that is not complete. "
        "With a bad one the link ends at the latest when all these octets are there. `parts` instead of `octets`: each octet "
        "string so many times, one after the other. Frames longer than 1,000 octets are given by their length",
        "notes": "the charter and the book notes (as texts) that the station of receiving, answers and giving holds from the "
        "beginning: charter 1, and the notes of book 1 of alfa (number 0 in frames) and of harbour (2). In receiving and answers "
        "the station is bravo/hq. It has opened no book yet and holds no entries",
        "frames": "frames by name, in hexadecimal, for the other groups. The handle is 7",
        "receiving": "on a link to the station `peer` on which both sides have sent HELLO (with handle 7), the frames `steps` "
        "come one after the other. Each step is an object: `frame` (a name); then what is so after it: `durable` (size of the "
        "book), `above` (indexes held above a gap), `head` (size of the largest verified head), `receipts` (the newest kept of "
        "each key, as [cosigner, size, type 4 or 6]), `forked`, `marks` (as in books.json, so far); `wants` (the WANT "
        "frames that the station sends for it, as [from, whole]); `refused` (rules, one of which is named: the frame is bad and "
        "nothing of it is kept). What is left out is not prescribed. Where `may_ask` is true, the station may ask once with "
        "WANT, `whole` true, instead of refusing (FRAME-5, FRAME-9). All of it concerns book number `book`. Receipts that the "
        "station gives are not listed",
        "answers": "a station that has taken the frames `steps` gets the WANT `want`, and answers with the frame `answer` and "
        "nothing else of this book (FRAME-5)",
        "giving": "RECEIPT-3 to RECEIPT-6: the station `at`, which holds the private key `cosigner` and gives its receipts (type "
        "0x04) as soon as it may, takes frames as in receiving, at the times `now_s` by its clock; `sent` are the RECEIPT frames "
        "(names) that it sends for each",
    },
}
ROOT, SIGNATURE, VIEW = seed("frames root"), seed("frames a") + seed("frames b"), seed("frames view")
ENTRY: list[Any] = [3, 1_900_000_000_000, 0, 0, [0, 0, 0], VIEW, b"x"]
LARGEST: list[Any] = [23, 2**48 - 1, 3, 2**40 - 1, [[0, 1], 0], VIEW, b"z"]
DIGEST = digest(FIRST.text())
HELLO: list[Any] = [0, 7, CHANNEL, 1, 1, DIGEST, [[0, 5, 6], [16, 0, 0]]]
RECEIPT: list[Any] = [3, 7, 0, 5, 2, 1_900_000_000, SIGNATURE]
FORK: list[Any] = [6, 7, 0, 3, ROOT, SIGNATURE, SIGNATURE, [[1, ROOT], [0, ROOT]]]


def entries(*items: object) -> list[Any]:
    """ENTRIES."""
    return [2, 7, 0, 0, SIGNATURE, list(items)]


FINE: list[tuple[str, list[Any]]] = [
    ("HELLO", HELLO),
    ("HELLO without books", [*HELLO[:6], []]),
    ("HELLO at the limits", [0, 65_535, "c", 1, 65_535, DIGEST, [[1023, 2**40 - 1, 2**40 - 1]]]),
    ("NOTE", [1, 7, b"any octets: what stands in it is judged later"]),
    ("ENTRIES of nothing", entries()),
    ("ENTRIES", entries(ENTRY, [1, ROOT], [*ENTRY[:5], None, b"y"])),
    (
        "ENTRIES at the limits",
        [2, 0, 1023, 2**40 - 1, SIGNATURE, [[40, ROOT], [23, 2**48 - 1, 3, 2**40 - 1, [[0, 1], 0], VIEW, b"z"]]],
    ),
    ("RECEIPT", RECEIPT),
    ("RECEIPT of ML-DSA-44", [*RECEIPT[:6], bytes(2_420)]),
    ("RECEIPT at the limits", [3, 7, 1023, 2**40 - 1, 127, 2**63 - 1, SIGNATURE]),
    ("RECEIPT at time 0", [*RECEIPT[:5], 0, SIGNATURE]),
    ("WANT", [5, 7, 0, 0, False]),
    ("WANT of the whole", [5, 7, 1023, 2**40 - 1, True]),
    ("FORK", FORK),
    ("FORK of nothing", [*FORK[:7], []]),
]


def changed(frame: list[Any], at: int, value: object) -> list[Any]:
    """A frame with one field changed."""
    return [*frame[:at], value, *frame[at + 1 :]]


WRONG: list[tuple[str, str, object]] = [
    ("a map", "FRAME-1", {"kind": 0}),
    ("an empty array", "FRAME-1", []),
    ("a kind alone", "FRAME-1", [5]),
    ("CHUNK", "FRAME-1", [4, 7, b""]),
    ("kind 7", "FRAME-1", [7, 7]),
    ("kind -1", "FRAME-1", [-1, 7]),
    ("a kind that is a boolean", "FRAME-1", [True, 7, b"x"]),
    ("a handle of 65,536", "FRAME-1", changed(HELLO, 1, 65_536)),
    ("a handle that is a text", "FRAME-1", changed(HELLO, 1, "7")),
    ("HELLO of eight fields", "FRAME-1", [*HELLO, 0]),
    ("HELLO without a channel", "FRAME-1", changed(HELLO, 2, "")),
    ("HELLO with a channel of 256 octets", "FRAME-1", changed(HELLO, 2, "c" * 256)),
    ("HELLO of protocol 2", "FRAME-1", changed(HELLO, 3, 2)),
    ("HELLO of charter 0", "FRAME-1", changed(HELLO, 4, 0)),
    ("HELLO with a short digest", "FRAME-1", changed(HELLO, 5, DIGEST[1:])),
    ("HELLO with a book of two fields", "FRAME-1", changed(HELLO, 6, [[0, 5]])),
    ("HELLO with book 1024", "FRAME-1", changed(HELLO, 6, [[1024, 5, 5]])),
    ("HELLO with a size of 2^40", "FRAME-1", changed(HELLO, 6, [[0, 2**40, 0]])),
    ("HELLO with 1025 books", "FRAME-1", changed(HELLO, 6, [[0, 0, 0]] * 1025)),
    ("an empty NOTE", "FRAME-1", [1, 7, b""]),
    ("a NOTE that is a text", "FRAME-1", [1, 7, "a"]),
    ("ENTRIES of book 1024", "FRAME-1", changed(entries(), 2, 1024)),
    ("ENTRIES from 2^40", "FRAME-1", changed(entries(), 3, 2**40)),
    ("ENTRIES with a signature of 63 octets", "FRAME-1", changed(entries(), 4, SIGNATURE[1:])),
    ("ENTRIES with items in a map", "FRAME-1", changed(entries(), 5, {})),
    ("an item of three fields", "FRAME-1", entries([0, ROOT, 0])),
    ("an item of eight fields, as a leaf has", "FRAME-1", entries([*ENTRY[:6], 1, ROOT])),
    ("an item that is no array", "FRAME-1", entries(ROOT)),
    ("a subtree of level 41", "FRAME-1", entries([41, ROOT])),
    ("a subtree with a short hash", "FRAME-1", entries([0, ROOT[1:]])),
    ("an entry of kind 24", "BOOK-11", entries(changed(ENTRY, 0, 24))),
    ("an entry at 2^48", "BOOK-11", entries(changed(ENTRY, 1, 2**48))),
    ("an entry of precedence 4", "BOOK-11", entries(changed(ENTRY, 2, 4))),
    ("an entry of epoch 2^40", "BOOK-11", entries(changed(ENTRY, 3, 2**40))),
    ("an entry of one slot", "BOOK-11", entries(changed(ENTRY, 4, [0]))),
    ("an entry with a slot of one book", "BOOK-11", entries(changed(ENTRY, 4, [[0], 0]))),
    ("a bad entry behind a good one", "BOOK-11", entries(ENTRY, changed(ENTRY, 2, 4))),
    ("an entry with a view of 31 octets", "FRAME-1 BOOK-11", entries(changed(ENTRY, 5, VIEW[1:]))),
    ("an entry without octets in its body", "FRAME-1 BOOK-2 BOOK-11", entries(changed(ENTRY, 6, b""))),
    ("an entry with a body of 16,385 octets", "FRAME-1 BOOK-2 BOOK-11", entries(changed(ENTRY, 6, bytes(16_385)))),
    ("RECEIPT for size 0", "FRAME-1", changed(RECEIPT, 3, 0)),
    ("RECEIPT of cosigner 128", "FRAME-1", changed(RECEIPT, 4, 128)),
    ("RECEIPT at time 2^63", "FRAME-1", changed(RECEIPT, 5, 2**63)),
    ("RECEIPT with a signature of 72 octets", "FRAME-1 FRAME-9", changed(RECEIPT, 6, SIGNATURE + bytes(8))),
    ("RECEIPT of six fields", "FRAME-1", RECEIPT[:6]),
    ("WANT from -1", "FRAME-1", [5, 7, 0, -1, False]),
    ("WANT with a number for whole", "FRAME-1", [5, 7, 0, 0, 0]),
    ("WANT of four fields", "FRAME-1", [5, 7, 0, 0]),
    ("FORK at size 0", "FRAME-1", changed(FORK, 3, 0)),
    ("FORK with a short root", "FRAME-1", changed(FORK, 4, ROOT[1:])),
    ("FORK with one signature of 72 octets", "FRAME-1", changed(FORK, 6, SIGNATURE + bytes(8))),
    ("FORK with an entry among its items", "FRAME-1", changed(FORK, 7, [ENTRY])),
]


def shapes() -> Cases:
    """FRAME-1, BOOK-11."""
    cases = [good(name, **shown(frame)) for name, frame in FINE]
    cases += [bad(name, rule, octets=cbor(frame).hex()) for name, rule, frame in WRONG]
    want = cbor([5, 7, 0, 0, False])
    cases.append(bad("nothing", "FRAME-1 CBOR-2", octets=""))
    cases.append(bad("an octet after it", "FRAME-1 CBOR-2", octets=want.hex() + "00"))
    cases.append(bad("a long head", "FRAME-1 CBOR-2", octets=(b"\x98\x05" + want[1:]).hex()))
    cases.append(bad("a float", "FRAME-1 CBOR-1", octets=(want[:2] + b"\xf9\x00\x00" + want[3:]).hex()))
    cases.append(bad("an indefinite array", "FRAME-1 CBOR-2", octets=(b"\x9f" + want[1:] + b"\xff").hex()))
    return cases


def prefix(octets: int, width: int | None = None) -> bytes:
    """RFC 9000, 16: in the shortest form, or in `width` octets."""
    width = width or next(one for one in (1, 2, 4, 8) if octets < 1 << 8 * one - 2)
    return (octets | width.bit_length() - 1 << 8 * width - 2).to_bytes(width, "big")


def streams() -> Cases:
    """FRAME-1. What stands in a frame does not matter here."""
    small, middle = b"\x01", b"\x02" * 63
    cases = []
    for name, frames, rest in (
        ("nothing", [], b""),
        ("one frame", [small], b""),
        ("three frames", [small, middle, small], b""),
        ("a frame of 64 octets: two octets of length", [middle + b"\x02"], b""),
        ("a frame that is not complete", [small], prefix(63) + middle[:62]),
        ("half a length", [small], prefix(64)[:1]),
    ):
        octets = b"".join(prefix(len(frame)) + frame for frame in frames) + rest
        cases.append(good(name, octets=octets.hex(), frames=[frame.hex() for frame in frames], rest=len(rest)))
    for size in (16_383, 16_384, 65_536):
        parts = [[prefix(size).hex(), 1], ["03", size]]
        cases.append(good(f"a frame of {size:,} octets", parts=parts, frames=[size], rest=0))
    for name, octets in (
        ("length 0", prefix(0)),
        ("length 1 in two octets", prefix(1, 2) + small),
        ("length 63 in four octets", prefix(63, 4) + middle),
        ("length 1 in eight octets", prefix(1, 8) + small),
        ("length 65,537", prefix(65_537)),
        ("length 2^62 - 1", prefix(2**62 - 1)),
        ("length 0 after a frame", prefix(1) + small + prefix(0)),
    ):
        cases.append(bad(name, "FRAME-1", octets=octets.hex()))
    return cases


def sets(kept: Kept) -> dict[str, object]:
    """The file."""
    received = receiving.received(kept)
    return {"header": HEADER, "shapes": shapes(), "streams": streams(), **received}
