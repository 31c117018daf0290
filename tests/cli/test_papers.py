"""What the root signs: cards, charters, book notes. Each thing once, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from detente.errors import LocalMisuse, Malformed
from detente.formats.book_note import parse_book_note
from detente.formats.charter import parse_charter, write_charter
from detente.ids import PartyId
from detente.station.custody import Custody
from detente.station.home import Home
from detente.station.papers import (
    amended,
    book_notes,
    card_fingerprint,
    check_signable,
    make_card,
    mode_of,
    own_cards,
    read_card,
    read_paper,
    root_key_path,
    sign_paper,
)
from detente.tlog.note import parse_note, verify_note
from tests.cli.desks import Desk

PASSPHRASE = b"five words that nobody guesses"


def opened(path: Path) -> tuple[Home, Custody]:
    """A HOME and its keys."""
    home = Home.open(path)
    return home, home.open_custody(PASSPHRASE)


def test_card_1_a_card_is_signed_by_its_own_root(made: Path) -> None:
    """CARD-1: any other text under the signature, or the signature of another root, is refused."""
    desk = Desk(made)
    octets = desk.card(desk.alfa).read_bytes()
    party, digits = read_card(octets)
    assert (party.id, digits) == ("alfa", card_fingerprint(party))
    with pytest.raises(Malformed) as changed:
        read_card(octets.replace(b"Party Alfa", b"Party Alfb"))
    assert changed.value.rule == "NOTE-3"
    text = octets.split(b"\n\n\xe2\x80\x94")[0]
    other = desk.card(desk.bravo).read_bytes().rsplit(b"\n\n", 1)[1]
    with pytest.raises(Malformed) as unsigned:
        read_card(text + b"\n\n" + other)
    assert unsigned.value.rule == "CARD-1"


def test_card_2_a_fingerprint_is_ten_groups_of_four(made: Path) -> None:
    """CARD-2: 20 octets in ten groups of four hexadecimal digits."""
    desk = Desk(made)
    _, digits = read_card(desk.card(desk.alfa).read_bytes())
    groups = digits.split(" ")
    assert (len(groups), {len(group) for group in groups}) == (10, {4})
    assert len(bytes.fromhex(digits)) == 20


def test_key_3_every_key_of_a_card_is_another(drafted_desk: Desk) -> None:
    """KEY-3, CARD-1: no key of one card is in another, but the TLS identity stays that of the station."""
    home, custody = opened(drafted_desk.alfa)
    make_card(home, custody)
    (_, first), (_, second) = own_cards(home)
    keys = [key.public for party in (first, second) for key in party.vkeys()]
    assert len(set(keys)) == len(keys) == 6
    assert first.stations[0].tls == second.stations[0].tls


def test_charter_5_signing_adds_one_signature(drafted_desk: Desk) -> None:
    """CHARTER-5: in force when both have signed; signing again adds nothing; the digest stays (NOTE-4)."""
    paper = read_paper(drafted_desk.charter.read_bytes())
    assert paper.missing == ("alfa", "bravo")
    for path, missing in ((drafted_desk.alfa, ("bravo",)), (drafted_desk.bravo, ())):
        signed = read_paper(sign_paper(*opened(path), paper))
        assert signed.missing == missing
        assert signed.digest == paper.digest
        paper = signed
    again = read_paper(sign_paper(*opened(drafted_desk.bravo), paper))
    assert len(again.note.signatures) == 2


def test_open_1_three_book_notes_are_signed_ahead(drafted_desk: Desk) -> None:
    """OPEN-1, OPEN-2: books 1 to 3 with their keys; signing again replaces none of them."""
    home, custody = opened(drafted_desk.alfa)
    paper = read_paper(drafted_desk.charter.read_bytes())
    us = check_signable(home, paper)
    sign_paper(home, custody, paper)
    notes = book_notes(home, paper.charter.channel)
    parsed = [parse_book_note(parse_note(octets).text) for octets in notes]
    assert [(note.party, note.book, note.station) for note in parsed] == [("alfa", n, "hq") for n in (1, 2, 3)]
    assert all(verify_note(parse_note(octets), [us.root]) for octets in notes)
    assert all(custody.signing_key("book", note.key.public) is not None for note in parsed)
    sign_paper(home, custody, paper)
    assert book_notes(home, paper.charter.channel) == notes


def test_charter_6_a_root_signs_one_charter_of_a_number(drafted_desk: Desk) -> None:
    """CHARTER-6: another text with the same channel and number is refused for ever."""
    home, custody = opened(drafted_desk.alfa)
    paper = read_paper(drafted_desk.charter.read_bytes())
    sign_paper(home, custody, paper)
    other = read_paper(write_charter(replace(paper.charter, title="Another title")).encode())
    with pytest.raises(LocalMisuse, match="another charter number 1") as caught:
        sign_paper(home, custody, other)
    assert caught.value.rule == "CHARTER-6"


def test_card_1_a_card_serves_one_channel(drafted_desk: Desk) -> None:
    """CARD-1, CHARTER-2: with the same card no second channel is signed, so REAL and EXERCISE never share a key."""
    home, custody = opened(drafted_desk.alfa)
    sign_paper(home, custody, read_paper(drafted_desk.charter.read_bytes()))
    second = drafted_desk.folder / "second.charter"
    drafted_desk.draft(second, mode="real")
    with pytest.raises(LocalMisuse, match="make another card") as caught:
        sign_paper(home, custody, read_paper(second.read_bytes()))
    assert caught.value.rule == "CARD-1"


@pytest.mark.parametrize("change", ["name", "bearers", "absent"])
def test_a_charter_that_misstates_us_is_not_signed(drafted_desk: Desk, change: str) -> None:
    """What the charter says of us must be what a card of ours says, in every part."""
    home = Home.open(drafted_desk.bravo)
    charter = parse_charter(drafted_desk.charter.read_text())
    alfa, bravo = charter.parties
    station = replace(bravo.stations[0], bearers=("tls://elsewhere.example:1",))
    changed = {
        "name": replace(bravo, name={"en": "Party Brava"}),
        "bearers": replace(bravo, stations=(station,)),
        "absent": replace(bravo, id=PartyId("charlie")),
    }[change]
    paper = read_paper(write_charter(replace(charter, parties=(alfa, changed))).encode())
    with pytest.raises(LocalMisuse, match=r"than any card|names no party"):
        check_signable(home, paper)
    assert not list(home.notes_path.iterdir())


def test_a_root_key_offline_is_asked_for_by_file(drafted_desk: Desk) -> None:
    """A root key that was moved away is named by its file, and nothing is signed without it."""
    home, custody = opened(drafted_desk.alfa)
    paper = read_paper(drafted_desk.charter.read_bytes())
    path = root_key_path(home, check_signable(home, paper))
    path.rename(drafted_desk.folder / "safe")
    with pytest.raises(LocalMisuse, match=path.name):
        sign_paper(home, custody, paper)
    assert not list(home.charters_path.iterdir())
    (drafted_desk.folder / "safe").rename(path)
    assert read_paper(sign_paper(home, custody, paper)).signed_by == ("alfa",)


def test_charter_6_an_amendment_keeps_roots(joined_desk: Desk) -> None:
    """CHARTER-6: a card with another root is refused; one made for the charter replaces the keys."""
    home, custody = opened(joined_desk.alfa)
    paper = read_paper(joined_desk.charter.read_bytes())
    fresh, _ = read_card(make_card(home, custody).read_bytes())
    with pytest.raises(LocalMisuse, match="another root"):
        amended(paper, [fresh])
    old = paper.charter.parties[0]
    root = custody.signing_key("root", old.root.public)
    same, _ = read_card(make_card(home, custody, root=root, root_name=old.root.name).read_bytes())
    charter = amended(paper, [same])
    assert (charter.number, charter.amends) == (2, paper.digest)
    assert charter.parties == (same, paper.charter.parties[1])
    assert same.stations[0].cosigner != old.stations[0].cosigner


def test_the_mode_is_known_from_the_copy(joined_desk: Desk) -> None:
    """CHARTER-2: the copy in HOME says whether a channel is an exercise; a missing copy is asked for."""
    home = Home.open(joined_desk.alfa)
    channel = read_paper(joined_desk.charter.read_bytes()).charter.channel
    assert mode_of(home, channel) == "EXERCISE"
    with pytest.raises(LocalMisuse, match="missing"):
        mode_of(home, "line.example.org/unknown")
