"""EPOCH-1 to EPOCH-6, SEAL-6, STATUS-1: who can read, from when, and what is said when somebody cannot."""

import pytest

from detente.errors import LocalMisuse
from detente.formats.content import Content
from detente.formats.entry import Keys, Kind, Open, Precedence, decode_body
from detente.ids import PartyId, Ref
from detente.protocol.events import RenewKeys, Say
from detente.protocol.sealing import Unopenable
from detente.testing.line import Line
from tests.rules.lines import PAIR, THREE, WITH_WITNESS, accuses_nobody, book, channel, connected, pair, three


def keys_entries(line: Line, party: str) -> list[tuple[int, Keys]]:
    """The epochs in a party's own book."""
    rows = line.stations[party].running.store.special_entries(book(line, party))
    said = [(row.index, decode_body(Kind(row.leaf[1]), row.body)) for row in rows]
    return [(index, body) for index, body in said if isinstance(body, Keys)]


def text(line: Line, reader: str, ref: Ref) -> str | None:
    """What a reader reads in an entry. Raises Unopenable."""
    origin = book(line, ref.party, ref.book)
    held = channel(line, reader).ledger.books[origin]
    return channel(line, reader).epochs.open(origin, held.entries(ref.index, ref.index + 1)[0]).text


def statuses(line: Line, party: str) -> list[dict[str, object]]:
    """The fields of a party's own status entries."""
    own = channel(line, party).ledger.books[book(line, party)]
    said = [decode_body(Kind.OPEN, e.body) for e in own.entries(0, own.size) if e.leaf.kind == Kind.OPEN]
    return [dict(body.content.fields or {}) for body in said if isinstance(body, Open)]


def test_one_epoch_serves_one_audience_until_keys_change() -> None:
    """EPOCH-1, EPOCH-2: the same readers, the same epoch; other readers, another; audiences in the charter's order."""
    line = three()
    first = line.say("alfa", "one", ["meridian", "bravo"])
    line.say("alfa", "two", ["bravo", "meridian"])
    line.say("alfa", "caucus", ["meridian"])
    line.settle()
    assert [body.audience for _, body in keys_entries(line, "alfa")] == [
        ("alfa", "bravo", "meridian"),
        ("alfa", "meridian"),
    ]
    assert text(line, "bravo", first) == "one"


def test_only_the_audience_reads() -> None:
    """EPOCH-2: a party outside holds every octet and reads none; it says nothing, for it is meant to be so."""
    line = three()
    ref = line.say("alfa", "for meridian", ["meridian"])
    line.settle()
    assert text(line, "meridian", ref) == "for meridian"
    with pytest.raises(Unopenable) as caught:
        text(line, "bravo", ref)
    assert caught.value.reason == "no wrap for this station"
    assert not statuses(line, "bravo")
    assert accuses_nobody(line)


def test_a_witness_is_in_no_audience() -> None:
    """EPOCH-2: who asks for it is told."""
    line = connected(Line(WITH_WITNESS))
    with pytest.raises(LocalMisuse) as caught:
        line.say("alfa", "read this", ["harbour"])
    assert caught.value.rule == "EPOCH-2"


def test_a_party_that_the_charter_does_not_name_cannot_be_addressed() -> None:
    """EPOCH-2: the refusal lists who there is."""
    with pytest.raises(LocalMisuse, match="it names alfa, bravo"):
        pair().say("alfa", "hello", ["nobody"])


def test_nothing_is_sealed_for_a_party_whose_key_is_not_here() -> None:
    """EPOCH-4: its opening holds the key; the refusal says so, and after one contact it goes through."""
    line = Line(PAIR)
    with pytest.raises(LocalMisuse) as caught:
        line.say("alfa", "too early", ["bravo"])
    assert caught.value.rule == "EPOCH-4"
    assert not keys_entries(line, "alfa")
    connected(line)
    assert text(line, "alfa", line.say("alfa", "now", ["bravo"])) == "now"


def test_an_author_wraps_to_the_newest_key_that_it_has_seen() -> None:
    """EPOCH-4: after a reader published a new key, the next message begins a new epoch, wrapped to that key."""
    line = pair()
    line.say("alfa", "to the first key", ["bravo"])
    line.settle()
    renewed = line.act("bravo", RenewKeys())
    line.say("alfa", "alfa has not seen the new key", ["bravo"])
    line.settle()
    ref = line.say("alfa", "to the new key", ["bravo"])
    line.settle()
    wraps = [[(wrap.reader, wrap.key_index) for wrap in body.wraps] for _, body in keys_entries(line, "alfa")]
    assert wraps == [[(book(line, "bravo"), 0)], [(book(line, "bravo"), renewed.index)]]
    assert text(line, "bravo", ref) == "to the new key"


def test_renewed_keys_of_ours_begin_new_epochs() -> None:
    """EPOCH-1: a renewal publishes the next key and lets no old secret seal anything further."""
    line = pair()
    line.say("alfa", "one", ["bravo"])
    renewed = line.act("alfa", RenewKeys())
    line.say("alfa", "two", ["bravo"])
    entries = keys_entries(line, "alfa")
    assert [index for index, body in entries if body.next is not None] == [renewed.index]
    assert len(entries) == 3


def test_the_epoch_goes_on_after_a_restart() -> None:
    """EPOCH-1: a restart is no event: the secret is in custody, and no new epoch is begun."""
    line = pair()
    line.say("alfa", "before", ["bravo"])
    line.settle()
    line.stations["alfa"].start()
    line.links.clear()
    line.connect("alfa", "bravo")
    ref = line.say("alfa", "after", ["bravo"])
    line.settle()
    assert len(keys_entries(line, "alfa")) == 1
    assert text(line, "bravo", ref) == "after"


def test_a_reader_that_cannot_open_says_so_in_its_book() -> None:
    """SEAL-6, STATUS-1, EPOCH-6: custody never implies readability; the author sees which entry, and why."""
    line = pair()
    line.say("bravo", "so that alfa has bravo's key", ["alfa"])
    line.settle()
    line.stations["bravo"].keyring._wrapping.clear()  # the reader has lost its keys
    ref = line.say("alfa", "nobody there can read this", ["bravo"])
    line.settle()
    expected = {"kind": "cannot process", "entry": (*ref,), "reason": "no wrap for this station"}
    assert [{**status, "entry": tuple(_list(status["entry"]))} for status in statuses(line, "bravo")] == [expected]
    assert accuses_nobody(line)


def test_a_caucus_and_an_open_entry() -> None:
    """BOOK-15: an entry for no audience is readable by all who hold the book."""
    line = Line(THREE)
    connected(line)
    ref = line.act("alfa", Say(Content(form="message", text="to whom it may concern"), Precedence.ROUTINE, ()))
    line.settle()
    held = channel(line, "meridian").ledger.books[book(line, "alfa")].entries(ref.index, ref.index + 1)[0]
    body = decode_body(Kind.OPEN, held.body)
    assert isinstance(body, Open)
    assert body.content.text == "to whom it may concern"


def test_a_long_text_goes_in_parts_that_end_at_whole_characters() -> None:
    """READ-5: all parts in one turn; each after the first refers to the first."""
    line = pair()
    whole = "миру мир, peace \U0001f54a " * 3_000
    content = Content(form="message", to=(PartyId("bravo"),), text=whole)
    first = line.act("alfa", Say(content, Precedence.ROUTINE, (PartyId("bravo"),)))
    line.settle()
    held = channel(line, "bravo").ledger.books[book(line, "alfa")]
    opened = [channel(line, "bravo").epochs.open(held.origin, e) for e in held.entries(first.index, held.size)]
    assert "".join(one.text or "" for one in opened) == whole
    assert [one.part for one in opened] == [(number, len(opened)) for number in range(1, len(opened) + 1)]
    assert [one.re[:1] for one in opened] == [(), *[(first,)] * (len(opened) - 1)]


def _list(value: object) -> list[object]:
    assert isinstance(value, list | tuple)
    return list(value)
