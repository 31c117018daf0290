"""Every case of vectors/charters.json against this reader."""

from __future__ import annotations

import pytest

from tests.reference import charter
from tests.reference.cases import Case, cases, load, octets_of, refused
from tests.reference.holder import Holder


def replaced(case: Case, group: list[Case]) -> bytes:
    """Return the text of a case: its own, or that of its base with one replacement."""
    if "text" in case:
        return str(case["text"]).encode("utf-8")
    base = next(other for other in group if other["name"] == case["base"])
    assert case["old"] in base["text"]
    return str(base["text"]).replace(case["old"], case["new"], 1).encode("utf-8")


def stated_party(party: charter.Party) -> dict[str, object]:
    """Return a party as the vectors state it."""
    stations = [[station.id, station.statement, list(station.bearers)] for station in party.stations]
    return {"id": party.id, "role": party.role, "vkeys": [str(key) for key in party.keys], "stations": stations}


@cases("charters.json", "cards")
def test_cards(case: Case) -> None:
    """The text of a card is read."""
    text = replaced(case, load("charters.json")["cards"])
    if not case["good"]:
        refused(case, lambda: charter.parse_card(text))
        return
    assert stated_party(charter.parse_card(text)) == case["party"]
    assert charter.fingerprint(text) == case["fingerprint"]


@cases("charters.json", "signed_cards")
def test_signed_cards(case: Case) -> None:
    """A card is signed by its own root."""
    if not case["good"]:
        refused(case, lambda: charter.read_card(octets_of(case)))
        return
    charter.read_card(octets_of(case))


@cases("charters.json", "charters")
def test_charters(case: Case) -> None:
    """The text of a charter is read."""
    text = replaced(case, load("charters.json")["charters"])
    if not case["good"]:
        refused(case, lambda: charter.parse_charter(text))
        return
    read = charter.parse_charter(text)
    assert [stated_party(party) for party in read.parties] == case["parties"]
    assert (read.digest.hex(), read.channel, read.number) == (case["digest"], case["channel"], case["number"])


def take_notes(case: Case, holder: Holder) -> None:
    """Take the notes of a case in order; the last one of a bad case must be refused."""
    notes_by_name = load("charters.json")["notes"]
    octets = [notes_by_name[name].encode("utf-8") for name in case["notes"]]
    for note in octets if case["good"] else octets[:-1]:
        holder.take(note)
    if not case["good"]:
        before = list(holder.charters), dict(holder.books)
        refused(case, lambda: holder.take(octets[-1]))
        assert before == (holder.charters, holder.books)


@cases("charters.json", "chains")
def test_chains(case: Case) -> None:
    """A station takes charters in order."""
    take_notes(case, Holder())


@cases("charters.json", "book_notes")
def test_book_notes(case: Case) -> None:
    """A station takes book notes."""
    holder = Holder()
    for name in case["charters"]:
        holder.take(load("charters.json")["notes"][name].encode("utf-8"))
    take_notes(case, holder)


@pytest.mark.parametrize(("stops", "good"), [(128, True), (129, False)])
def test_full_stops(stops: int, good: bool) -> None:
    """A line has at most 128 full stops; the examples have no such case."""
    text = load("charters.json")["cards"][0]["text"].encode("utf-8") + b"# " + b"." * stops + b"\n"
    if good:
        charter.parse_card(text)
    else:
        refused({"rules": ["spec/3"]}, lambda: charter.parse_card(text))
