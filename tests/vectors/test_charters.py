"""vectors/charters: cards, charters, chains and book notes are read, refused and written as stated there."""

from collections.abc import Callable
from functools import partial

import pytest

from detente.formats.card import Party, fingerprint, parse_card, write_card
from detente.formats.charter import parse_charter, write_charter
from detente.protocol.roster import Roster
from detente.station.papers import read_card
from detente.tlog.note import note_digest
from tests.vectors.cases import Case, every, judged, load, octets_of


def text_of(group: str, case: Case) -> str:
    """The text of a case, or that of its base with its edit."""
    if "text" in case:
        return str(case["text"])
    base = next(one["text"] for one in load("charters")[group] if one["name"] == case["base"])
    assert case["old"] in base
    return str(base.replace(case["old"], case["new"], 1))


def described(party: Party) -> Case:
    """A party as the vectors describe it."""
    return {
        "id": party.id,
        "role": party.role,
        "vkeys": [str(key) for key in party.vkeys()],
        "stations": [[station.id, station.statement, list(station.bearers)] for station in party.stations],
    }


@every("charters", "cards")
def test_card_2_cards(case: Case) -> None:
    """CARD-2, CHARTER-3, CHARTER-4, KEY-5, and the tables of spec/3."""
    text = text_of("cards", case)
    if judged(case, partial(parse_card, text)):
        party = parse_card(text)
        assert described(party) == case["party"]
        assert fingerprint(text) == case["fingerprint"]
        assert (write_card(party) == text) == case["layout"]


@every("charters", "signed_cards")
def test_card_1_cards_are_signed_by_their_root(case: Case) -> None:
    """CARD-1."""
    if judged(case, partial(read_card, octets_of(case))):
        assert read_card(octets_of(case))[0].id == "bravo"


@every("charters", "charters")
def test_charter_1_charters(case: Case) -> None:
    """CHARTER-1, CHARTER-3, CHARTER-4, NOTE-4, and the table of spec/3."""
    text = text_of("charters", case)
    if judged(case, partial(parse_charter, text)):
        charter = parse_charter(text)
        assert (charter.channel, charter.number) == (case["channel"], case["number"])
        assert [described(party) for party in charter.parties] == case["parties"]
        assert note_digest(text).hex() == case["digest"]
        assert (write_charter(charter) == text) == case["layout"]


def note_named(name: str) -> bytes:
    """The octets of a note of the file."""
    return str(load("charters")["notes"][name]).encode()


def taken(roster: Roster, case: Case) -> Callable[[], object]:
    """The roster after all notes but the last; the taking of the last."""
    *earlier, last = map(note_named, case["notes"])
    for octets in earlier:
        roster.take(octets)
    return partial(roster.take, last)


@every("charters", "chains")
def test_charter_6_chains(case: Case) -> None:
    """CHARTER-5, CHARTER-6: a refused charter leaves those before it in force."""
    roster = Roster()
    last = taken(roster, case)
    before = len(roster.charters)
    if judged(case, last):
        last()
        assert [held.charter.number for held in roster.charters] == list(range(1, len(set(case["notes"])) + 1))
    else:
        assert len(roster.charters) == before


@every("charters", "book_notes")
def test_open_1_book_notes(case: Case) -> None:
    """OPEN-1, OPEN-2: the first note held governs."""
    roster = Roster()
    for name in case["charters"]:
        roster.take(note_named(name))
    last = taken(roster, case)
    before = dict(roster.book_notes)
    if judged(case, last):
        last()
        assert len(roster.book_notes) == len(set(case["notes"]))
    else:
        assert roster.book_notes == before


@pytest.mark.parametrize("group", ["cards", "charters"])
def test_every_base_is_good(group: str) -> None:
    """An edit of a text that is refused by itself would prove nothing."""
    cases = load("charters")[group]
    fine = {case["name"] for case in cases if case["good"]}
    assert {case["base"] for case in cases if not case["good"]} <= fine
