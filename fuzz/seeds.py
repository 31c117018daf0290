"""Right octets of every kind to begin with: made by the program on a small line, and those of `vectors/` where it is there.

Its law: no octets from elsewhere, and the same names as the targets that read them.
"""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from detente.crypto.certificates import make_certificate
from detente.crypto.wrapping import WrapKey, wrap
from detente.formats.bundle import decode_bundle
from detente.formats.card import write_card
from detente.formats.content import Content, encode_content
from detente.formats.dictionary import DICTIONARY
from detente.formats.entry import Kind
from detente.formats.frame import length_prefix
from detente.formats.padding import pack
from detente.ids import Ref
from detente.station.evidence import bundle_of
from detente.tlog.checkpoint import checkpoint_text
from detente.tlog.note import parse_note
from detente.tlog.proof import inclusion_proof
from detente.tlog.tlogproof import TlogProof, format_tlog_proof
from detente.tlog.vkeys import COSIGNATURE, VerifierKey
from fuzz.wire import Wire, frames_of_a_line, line_at_rest
from tests.verify.records import octets_of, small_bundle

VECTORS = Path(__file__).resolve().parents[1] / "vectors"

READER = WrapKey.from_seed(bytes(range(96)))  # the reader of the wraps below
INFO = b"info"

REQUESTS = (
    {"operation": "status"},
    {"operation": "log", "arguments": {"limit": 3}},
    {"operation": "send", "arguments": {"to": ["bravo"], "text": "Yes.", "exercise": True, "precedence": "flash"}},
    {"operation": "send", "arguments": {"to": ["bravo"], "form": "x", "fields": {"a": [1, None]}, "re": ["alfa/1"]}},
    {"operation": "acknowledge", "arguments": {"entry": "bravo/2", "by": "duty officer"}},
    {"operation": "evidence", "arguments": {"channel": "fuzz", "entry": "alfa/2", "reveal": True}},
    {"operation": "take_note", "arguments": {"octets": "AAAA"}},
    {"operation": "open_book", "arguments": {"reason": "restored"}},
    {"operation": "renew_keys", "arguments": None},
    {"operation": "arrivals", "arguments": {"after": 1}},
    {"operation": "open_channel", "arguments": {}},
)


@cache
def seeds() -> dict[str, tuple[bytes, ...]]:
    """Seeds by target; every target has some."""
    made = dict(_made())
    for kind, octets in _of_vectors():
        for name in _TARGETS_OF_VECTORS.get(kind, ()):
            made[name].append(octets)
    return {name: tuple(dict.fromkeys(found)) for name, found in made.items()}


def _made() -> Iterator[tuple[str, list[bytes]]]:
    line = line_at_rest()
    alfa = line.stations["alfa"]
    channel = alfa.running.channels[line.channel]
    entries = [row for held in alfa.disk.entries.values() for row in held.values()]
    notes = [row.octets for row in alfa.disk.notes.values()]
    frames = frames_of_a_line()
    entry = Ref(alfa.party, 1, 2)
    bundles = [bundle_of(channel, None, reveal=True), bundle_of(channel, entry, reveal=True), octets_of(small_bundle())]
    heads = [head for bundle in bundles for book in decode_bundle(bundle).books for head in book.heads]
    contents = [encode_content(Content("message", (alfa.party,), text=text)) for text in ("Yes.", "The line. " * 90)]
    yield "cbor", frames[:9] + [row.leaf for row in entries] + contents
    yield "frame", frames
    yield "leaf", [row.leaf for row in entries]
    yield "body", [bytes([row.leaf[1]]) + row.body for row in entries if row.leaf[1] != Kind.SEALED]
    yield "content", contents
    yield "padding", [pack(one, dictionary) for one in contents for dictionary in (None, DICTIONARY)]
    yield "sealed body", [row.body for row in entries if row.leaf[1] == Kind.SEALED]
    yield "wrap", [wrap(bytes(32), READER.public, INFO), READER.public]
    yield "note", notes + heads
    yield "verifier key", [str(key).encode() for key in channel.roster.newest.charter.vkeys()]
    yield "checkpoint", [parse_note(head).text.encode() for head in heads]
    yield "policy", [_policy(channel.roster.newest.charter.vkeys())]
    yield "proof", list(_proofs(line, heads))
    yield "card", [write_card(party).encode() for party in channel.roster.newest.charter.parties]
    charters = [parse_note(note).text.encode() for note in notes if b"# Detente charter" in note]
    yield "charter", charters + list(map(_in_other_words, charters))
    yield "book note", [parse_note(note).text.encode() for note in notes if b"# Detente book" in note]
    yield "bundle", bundles
    yield "stream", [b"".join(length_prefix(len(one)) + one for one in frames[at : at + 3]) for at in range(0, 12, 3)]
    yield "server hello", [_server_hello()]
    yield "certificate", [alfa.certificate, make_certificate(bytes(32), "x", 0, 2_000_000_000, 2**150)]
    yield "request", [json.dumps(one).encode() for one in REQUESTS]
    yield "wire", [b"", *(random.Random(number).randbytes(400) for number in range(8))]


def _in_other_words(text: bytes) -> bytes:
    """The same charter, written in other ways that TOML has."""
    text = text.replace(b"protocol = 1\n", b"protocol = 0x1\n").replace(b"number = 1\n", b"number = 0b1 # one\n")
    return text.replace(b'name.en = "ALFA"', b'name = { en = """\\\nAL\\u0046A""" }').replace(
        b"statement =", b'"statement" ='
    )


def _policy(vkeys: Iterator[VerifierKey]) -> bytes:
    found = list(vkeys)
    log = next(key for key in found if key.kind != COSIGNATURE)
    lines = [f"log {log} https://log.example/"]
    witnesses = [key for key in found if key.kind == COSIGNATURE]
    lines += [f"witness w{number} {key}" for number, key in enumerate(witnesses)]
    lines += ["group g 2 " + " ".join(f"w{number}" for number in range(len(witnesses))), "quorum g", ""]
    return "\n".join(lines).encode()


def _proofs(line: Wire, heads: list[bytes]) -> Iterator[bytes]:
    for book in line.stations["alfa"].running.channels[line.channel].ledger.books.values():
        for head in map(parse_note, heads):
            if head.text == checkpoint_text(book.origin, book.size, book.root(book.size)):
                hashes = inclusion_proof(book.read_hashes, book.size - 1, book.size)
                yield format_tlog_proof(TlogProof(book.size - 1, tuple(hashes), head, b"extra"))


def _server_hello() -> bytes:
    """A record with a server hello that agrees on X25519MLKEM768 (RFC 8446, 4.1.3)."""
    extensions = bytes.fromhex("002b00020304" + "003300" + "0611ec0002abcd")
    hello = b"\x03\x03" + bytes(32) + b"\x20" + bytes(32) + bytes.fromhex("130100")
    hello += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x02" + len(hello).to_bytes(3, "big") + hello
    return b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message


# --- vectors/

_TARGETS_OF_VECTORS: dict[str, tuple[str, ...]] = {
    "encoding": ("cbor",),
    "contents": ("content", "cbor"),
    "padding": ("padding",),
    "notes": ("note", "verifier key"),
    "checkpoints": ("checkpoint", "note"),
    "entries": ("leaf", "cbor"),
    "frames": ("frame", "stream", "cbor"),
    "charters": ("charter", "note"),
    "cards": ("card",),
    "bundles": ("bundle",),
}
_SEED_OCTETS_MAX = 20_000
_SEEDS_OF_A_FILE_MAX = 60


def _of_vectors() -> Iterator[tuple[str, bytes]]:
    """(file, octets) of every hexadecimal or text value of a case, whatever its key is: a seed need not be right."""
    for path in sorted(VECTORS.glob("*.json")):
        found = dict.fromkeys(_octets_in(json.loads(path.read_bytes())))
        for octets in list(found)[:_SEEDS_OF_A_FILE_MAX]:
            yield path.stem, octets


def _octets_in(value: object) -> Iterator[bytes]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "header":
                yield from _octets_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _octets_in(inner)
    elif isinstance(value, str) and 8 <= len(value) <= _SEED_OCTETS_MAX:
        try:
            yield bytes.fromhex(value)
        except ValueError:
            yield value.encode()
