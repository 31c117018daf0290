"""Every case of vectors/books.json and vectors/sealing.json against this reader."""

from __future__ import annotations

import pytest

from tests.reference import bodies, books, contents, encoding, sealing, shape, tree
from tests.reference.cases import Case, cases, check_marks, dictionary, load, octets_of, read_reference, refused
from tests.reference.diagnostic import parse_diagnostic
from tests.reference.holder import Holder
from tests.reference.record import judge_record


@cases("books.json", "leaves")
def test_leaves(case: Case) -> None:
    """A leaf is read and written."""
    octets = octets_of(case)
    if not case["good"]:
        refused(case, lambda: books.read_leaf(octets))
        return
    head, size, body_hash = books.read_leaf(octets)
    assert [*head.fields(), size, body_hash] == parse_diagnostic(case["diagnostic"])
    assert encoding.encode([*head.fields(), size, body_hash]) == octets
    assert tree.leaf_hash(octets).hex() == case["hash"]


@cases("books.json", "bodies")
def test_bodies(case: Case) -> None:
    """A body that is not sealed is read."""
    octets = octets_of(case)
    if not case["good"]:
        refused(case, lambda: bodies.read_body(case["kind"], octets))
        return
    assert bodies.read_body(case["kind"], octets) is not None
    if "diagnostic" in case:
        assert encoding.encode(parse_diagnostic(case["diagnostic"])) == octets


@cases("books.json", "views")
def test_views(case: Case) -> None:
    """A view is computed."""
    roots = {(origin, count): bytes.fromhex(root) for origin, count, root in case["roots"]}
    channel = "vectors.example/line-abcdefgh234567aa"

    def root(place: int, book: int, count: int) -> bytes | None:
        return roots.get((books.make_origin(channel, case["parties"][place], book), count))

    seen = books.read_seen(case["seen"], "BOOK-8")
    assert encoding.sha256(bytes.fromhex(case["input"])).hex() == case["view"]
    view = books.computed_view(seen, channel, case["parties"], root)
    assert view is not None
    assert view.hex() == case["view"]


@cases("books.json", "records")
def test_records(case: Case) -> None:
    """Exactly the stated entries are marked, and exactly the stated views cannot be checked."""
    file = load("books.json")
    holder = Holder()
    for name in case["notes"]:
        holder.take(file["notes"][name].encode("utf-8"))
    held = {}
    for origin, names in case["books"].items():
        fields = [encoding.decode(bytes.fromhex(file["entries"][name])) for name in names]
        held[origin] = [
            books.read_entry(shape.tuple_of(item, 7, "BOOK-11", "an entry"), "BOOK-11", False) for item in fields
        ]
    judgement = judge_record(holder, held)
    check_marks(case["marks"], judgement.marks)
    assert sorted(judgement.pending) == sorted(read_reference(stated) for stated in case["pending"])


@cases("sealing.json", "checks")
def test_checks(case: Case) -> None:
    """The check of an epoch."""
    secret = bytes.fromhex(case["secret"])
    assert sealing.epoch_check(secret, case["origin"], case["index"]).hex() == case["check"]
    assert encoding.hmac_sha256(secret, bytes.fromhex(case["input"])).hex() == case["check"]


def private_key(name: str) -> sealing.ReaderKey:
    """Return a reader key by its name."""
    private = next(case["private"] for case in load("sealing.json")["reader_keys"] if case["name"] == name)
    return sealing.reader_key(bytes.fromhex(private)[:64], bytes.fromhex(private)[64:])


@cases("sealing.json", "reader_keys")
def test_reader_keys(case: Case) -> None:
    """A reader key follows from its private half; a bad one cannot be wrapped to."""
    if not case["good"]:
        refused(case, lambda: sealing.wrap_to(bytes.fromhex(case["public"]), bytes(32), b""))
        return
    key = private_key(case["name"])
    assert (key.public.hex(), key.digest.hex()) == (case["public"], case["digest"])


@cases("sealing.json", "wraps")
def test_wraps(case: Case) -> None:
    """A wrap opens to the secret, or not, for the stated reason."""
    key, check = private_key(case["private"]), bytes.fromhex(case["check"])
    place = sealing.WrapPlace(
        case["channel"], case["origin"], case["index"], case["audience"], case["reader"], key.digest, check
    )
    wrap = bytes.fromhex(case["wrap"])
    if not case["good"]:
        refused(case, lambda: sealing.unwrap(wrap, key, place))
        return
    assert place.info().hex() == case["info"]
    assert sealing.unwrap(wrap, key, place).hex() == case["secret"]


@cases("sealing.json", "epochs")
def test_epochs(case: Case) -> None:
    """A station finds the secret of an epoch, or gives the stated reason, or the epoch is not meant for it."""
    named = {wrap["name"]: wrap["wrap"] for wrap in load("sealing.json")["wraps"]}
    own = {(origin, index): private_key(name) for origin, index, name in case["published"]}
    wraps = tuple(
        bodies.Wrap(reader, index, bytes(bodies.WRAP) if name == "zeros" else bytes.fromhex(named[name]))
        for reader, index, name in case["wraps"]
    )
    keys = bodies.Keys(tuple(case["audience"]), bytes.fromhex(case["check"]), wraps, None)
    channel = "vectors.example/line-abcdefgh234567aa"

    def found() -> bytes | None:
        return sealing.find_secret(keys, channel, books.make_origin(channel, "alfa", 1), 1, "bravo", own)

    if case["reason"] is None:
        assert found() == (None if case["secret"] is None else bytes.fromhex(case["secret"]))
        return
    with pytest.raises(sealing.Unopened) as caught:
        found()
    assert caught.value.reason == case["reason"]


def read_h(case: Case) -> books.Head:
    """Read the `h` of a case."""
    fields = shape.tuple_of(encoding.decode(bytes.fromhex(case["h"])), 6, "BOOK-11", "h")
    return books.read_head(fields, "BOOK-11", False)


@cases("sealing.json", "messages")
def test_messages(case: Case) -> None:
    """A message is sealed in the stated steps, and opened."""
    head, origin, index = read_h(case), case["origin"], case["index"]
    plaintext, body = bytes.fromhex(case["p"]), bytes.fromhex(case["body"])
    key = sealing.message_key(bytes.fromhex(case["secret"]), origin, case["epoch"], index)
    committed = sealing.commitment(key, origin, index, head, plaintext)
    assert (key.hex(), committed.hex()) == (case["mk"], case["c"])
    assert sealing.seal_key(key, committed).hex() == case["ek"]
    assert sealing.seal(key, origin, index, head, plaintext) == body
    content = sealing.open_entry(key, origin, index, head, body, dictionary())
    assert encoding.encode(content).hex() == case["content"]


@cases("sealing.json", "bodies")
def test_sealed_bodies(case: Case) -> None:
    """A sealed body opens to its content, or not, for the stated reason."""
    known = dictionary() if case["dictionary"] else None

    def opened() -> contents.Content:
        key, body = bytes.fromhex(case["mk"]), bytes.fromhex(case["body"])
        return sealing.open_entry(key, case["origin"], case["index"], read_h(case), body, known)

    if not case["good"]:
        refused(case, opened)
        return
    assert encoding.encode(opened()).hex() == case["content"]
