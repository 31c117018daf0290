"""Every parser of octets from outside, each with the invariant that is tested: the one table of targets.

Its law: octets give success or a fault of the target's kind, never another exception, in bounded time; and what is
accepted is encoded again to the same octets where the spec says that there is one encoding.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import msgspec

from detente.bearers.secure_channel import key_exchange_group
from detente.crypto.certificates import certificate_public_key, certificate_validity
from detente.crypto.wrapping import SECRET_OCTETS, WRAP_OCTETS, unwrap, wrap
from detente.errors import Fault, LocalMisuse, Malformed, PeerViolation
from detente.formats import content, entry, padding
from detente.formats.book_note import parse_book_note, write_book_note
from detente.formats.bundle import decode_bundle, encode_bundle
from detente.formats.canonical import decode, encode
from detente.formats.card import parse_card, write_card
from detente.formats.charter import parse_charter, write_charter
from detente.formats.dictionary import DICTIONARY
from detente.formats.frame import FrameSplitter, decode_frame, encode_frame
from detente.ids import Origin
from detente.limits import CONTENT_OCTETS_MAX, FRAME_OCTETS_MAX
from detente.protocol.sealing import Header, Unopenable, open_with_message_key
from detente.station.desk import Desk
from detente.station.requests import read_request
from detente.testing.line import Line
from detente.tlog.checkpoint import checkpoint_text, parse_checkpoint, split_cosignature, verify_cosignature
from detente.tlog.note import format_note, parse_note, parse_vkey, verify_note
from detente.tlog.policy import parse_policy
from detente.tlog.tlogproof import format_tlog_proof, parse_tlog_proof, verify_tlog_proof
from detente.verify.audit import audit
from detente.verify.report import as_json, as_text
from fuzz.mutator import choices
from fuzz.seeds import INFO, READER, seeds
from fuzz.wire import hostile_wire, line_at_rest

CALLS_OF_ONE_LINE = 400
SECONDS_MAX = 2.0  # for one input; what is longer is a finding


def cbor(octets: bytes) -> None:
    """CBOR-2: what is decoded has these octets as its one encoding."""
    assert encode(decode(octets)) == octets


def frame(octets: bytes) -> None:
    """FRAME-1: one frame, one encoding."""
    assert encode_frame(decode_frame(octets)) == octets


def leaf(octets: bytes) -> None:
    """BOOK-2, BOOK-11: one leaf, one encoding."""
    assert entry.encode_leaf(entry.decode_leaf(octets)) == octets


def body(octets: bytes) -> None:
    """BOOK-13 to BOOK-18: the first octet chooses the kind, the rest is a body of it; one body, one encoding."""
    kinds = [kind for kind in entry.Kind if kind != entry.Kind.SEALED]
    kind = kinds[octets[0] % len(kinds)] if octets else entry.Kind.OPENING
    assert entry.encode_body(entry.decode_body(kind, octets[1:])) == octets[1:]


def content_map(octets: bytes) -> None:
    """READ-1 to READ-3: one content, one encoding, so every text comes back octet for octet."""
    assert content.encode_content(content.decode_content(octets)) == octets


def padded(octets: bytes) -> None:
    """SEAL-2 to SEAL-4: what is unpacked is bounded, and packed again gives the same content."""
    for dictionary in (None, DICTIONARY):
        with suppress(Malformed):
            found = padding.unpack(octets, dictionary)
            assert len(found) <= CONTENT_OCTETS_MAX
            if found:
                assert padding.unpack(padding.pack(found, dictionary), dictionary) == found


def sealed_body(octets: bytes) -> None:
    """SEAL-6: a body that was not sealed here does not open."""
    header = Header(entry.Kind.SEALED, 0, 0, 1, (1, 1), bytes(32))
    with suppress(Unopenable):
        open_with_message_key(bytes(32), Origin("x/alfa/1"), 1, header, octets)
        raise AssertionError("a body opened with a key that did not seal it")


def wrapped(octets: bytes) -> None:
    """EPOCH-5, EPOCH-6: a hostile wrap opens to a secret or to nothing; a hostile reader key is refused or serves."""
    secret = unwrap(octets, READER, INFO)
    assert secret is None or len(secret) == SECRET_OCTETS
    assert len(wrap(bytes(32), octets, INFO)) == WRAP_OCTETS


def note(octets: bytes) -> None:
    """NOTE-1, NOTE-2: one note, one encoding; verifying it with keys of others accuses nobody."""
    found = parse_note(octets)
    assert format_note(found) == octets
    verify_note(found, _KEYS)


def verifier_key(octets: bytes) -> None:
    """KEY-1, KEY-2: one key, one text."""
    text = _text(octets)
    assert str(parse_vkey(text)) == text


def checkpoint(octets: bytes) -> None:
    """HEAD-1: one head, one text; octets that are no cosignature verify nothing (RECEIPT-2)."""
    with suppress(Malformed):
        split_cosignature(octets)
    for key in _KEYS:
        assert verify_cosignature(key, "x\n1\n" + "A" * 43 + "=\n", octets) is None
    text = _text(octets)
    found = parse_checkpoint(text)
    assert checkpoint_text(*found) == text
    assert verify_cosignature(_KEYS[-1], text, bytes(72)) is None


def policy(octets: bytes) -> None:
    """C2SP tlog-policy: a policy of the operator's, whose faults are the operator's; every quorum can be counted."""
    found = parse_policy(octets)
    assert found.quorum_met([*found.logs, *found.witnesses.values()])
    assert found.quorum_met([]) == (found.quorum == b"none")


def proof(octets: bytes) -> None:
    """C2SP tlog-proof: one proof, one encoding; verified under any policy it answers yes or no."""
    found = parse_tlog_proof(octets)
    assert format_tlog_proof(found) == octets
    verify_tlog_proof(found, bytes(32), parse_policy(seeds()["policy"][0]))


def card(octets: bytes) -> None:
    """CARD-1: what can be read can be written, and is the same when read again."""
    found = parse_card(_text(octets))
    assert parse_card(write_card(found)) == found


def charter(octets: bytes) -> None:
    """CHARTER-1 to CHARTER-4: as a card."""
    found = parse_charter(_text(octets))
    assert parse_charter(write_charter(found)) == found


def book_note(octets: bytes) -> None:
    """OPEN-1: as a card."""
    found = parse_book_note(_text(octets))
    assert parse_book_note(write_book_note(found)) == found


def bundle(octets: bytes) -> None:
    """BUNDLE-1 to BUNDLE-11: the audit raises nothing, its report can be written; one bundle, one encoding."""
    report = audit(octets)
    as_text(report).encode()
    json.dumps(as_json(report))
    assert encode_bundle(decode_bundle(octets)) == octets


def stream(octets: bytes) -> None:
    """FRAME-1: a stream gives the same frames in whatever pieces it comes, and never more than one frame is kept."""
    whole, pieces = FrameSplitter(), FrameSplitter()
    below = choices(octets[::-1])
    taken: list[bytes] = []
    try:
        frames = whole.feed(octets)
    except Malformed:
        frames = None
    at = 0
    try:
        while at < len(octets):
            step = 1 + below(300) * below(2)
            taken += pieces.feed(octets[at : at + step])
            at += step
            assert pieces.waiting_octets <= FRAME_OCTETS_MAX + 8
    except Malformed:
        assert frames is None, "refused in pieces and taken whole"
        raise
    assert taken == frames, "taken in pieces and not whole"


def server_hello(octets: bytes) -> None:
    """RFC 8446, 4.1.3: the agreed group can be named or not; nothing else can happen."""
    assert 0 <= key_exchange_group(octets) < 1 << 16


def certificate(octets: bytes) -> None:
    """LINK-2: a certificate is readable or not."""
    with suppress(Malformed):
        begins_s, ends_s = certificate_validity(octets)
        assert type(begins_s) is type(ends_s) is int
    assert len(certificate_public_key(octets)) == 32


def request(octets: bytes) -> None:
    """A line on the local socket: an answer or a fault of the asker's, and either can be written as one line."""
    line = _line_of_officers(_calls() // CALLS_OF_ONE_LINE)
    desk = Desk(line.stations["alfa"].running, running=True)
    try:
        operation, arguments = read_request(octets)
        if desk.writes(operation):
            act = desk.act(operation, arguments)
            outcome = desk.driver.take_turn([act], line.now)
            assert all(isinstance(fault, LocalMisuse | PeerViolation) for _, fault in outcome.refused)
            for answered in outcome.done:
                _one_line(desk.answer(*answered, running=True))
        else:
            _one_line(desk.read(operation, arguments))
    except LocalMisuse as fault:
        _one_line({"fault": {"code": fault.code, "rule": fault.rule, "text": fault.text}})
        raise


_calls = count().__next__


@lru_cache(maxsize=1)
def _line_of_officers(_number: int) -> Line:
    """A line whose books do not grow for ever."""
    return line_at_rest()


def _one_line(answer: dict[str, object]) -> None:
    assert b"\n" not in msgspec.json.encode(answer)


@dataclass(frozen=True, slots=True)
class Target:
    """`run` raises nothing but `fault` for octets that it refuses. `tries` of the plain run: fewer where one is slow."""

    name: str
    run: Callable[[bytes], None]
    fault: type[Fault] = Malformed
    tries: int = 300

    @property
    def seeds(self) -> tuple[bytes, ...]:
        """Where to begin."""
        return seeds()[self.name]

    def take(self, octets: bytes) -> None:
        """One input. Whatever this raises is a finding."""
        begin = time.process_time()
        with suppress(self.fault):
            self.run(octets)
        seconds = time.process_time() - begin
        assert seconds < SECONDS_MAX, f"one input took {seconds:.1f} s"


TARGETS = {
    target.name: target
    for target in (
        Target("cbor", cbor),
        Target("frame", frame),
        Target("leaf", leaf),
        Target("body", body),
        Target("content", content_map),
        Target("padding", padded),
        Target("sealed body", sealed_body),
        Target("wrap", wrapped),
        Target("note", note),
        Target("verifier key", verifier_key),
        Target("checkpoint", checkpoint),
        Target("policy", policy, LocalMisuse),
        Target("proof", proof),
        Target("card", card),
        Target("charter", charter),
        Target("book note", book_note),
        Target("bundle", bundle),
        Target("stream", stream),
        Target("server hello", server_hello),
        Target("certificate", certificate),
        Target("request", request, LocalMisuse),
        Target("wire", hostile_wire, tries=25),
    )
}


def _text(octets: bytes) -> str:
    """Any text, half surrogate pairs included."""
    try:
        return octets.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


_KEYS = tuple(parse_charter(seeds()["charter"][0].decode()).vkeys())
