"""Secrets given again to a station that opened a later book: EPOCH-7, EPOCH-8. Once, for its party alone, and only if right."""

import pytest

from detente.cli.online_views import say_log
from detente.errors import LocalMisuse, Malformed, StoreFault
from detente.formats.content import Content, decode_content, encode_content
from detente.formats.padding import pack
from detente.formats.secrets import SECRETS_FORM, GivenSecret, secrets_content, secrets_in
from detente.ids import Origin, PartyId, Ref, origin_of, parse_ref
from detente.limits import PADDED_OCTETS_MAX, SECRETS_PER_ENTRY_MAX
from detente.protocol.epochs import Epochs
from detente.protocol.events import OpenBook, RenewKeys
from detente.protocol.giving import secrets_for
from detente.protocol.sealing import epoch_check
from detente.station.desk import Desk
from detente.station.driver import Driver
from detente.station.evidence import bundle_of
from detente.station.reading import log_of
from detente.testing.fakes import FaultyStore, MemoryAnchor, MemoryStore, Outcome
from detente.testing.line import Line
from detente.verify.audit import audit
from tests.recovery.scenes import connect, disconnect, lose_secrets, must_be_sound, new_line, rules_found, texts, twin


@pytest.fixture(scope="module")
def before() -> Line:
    """A line with messages in several epochs; links down."""
    line = new_line("again")
    for round_ in ("first", "second"):
        line.say("alfa", f"{round_} of alfa", ["bravo"])
        line.say("bravo", f"{round_} of bravo", ["alfa"])
        line.say("bravo", f"{round_} to the mediator alone", ["meridian"])
        line.say("meridian", f"{round_} of meridian", ["alfa", "bravo"])
        line.settle()
        line.act("alfa", RenewKeys())
        line.settle()
    disconnect(line)
    return line


@pytest.fixture
def line(before: Line) -> Line:
    """The same after alfa has lost its secrets and its old readers' keys, and has opened its next book; links down."""
    found = twin(before)
    lose_secrets(found.stations["alfa"])
    found.stations["alfa"].start()
    found.act("alfa", OpenBook("key replaced"))
    return found


def given_by(line: Line, party: str, at: str = "") -> list[dict[str, object]]:
    """The entries of a party that give secrets, as the log of `at` (the party itself) has them."""
    driver = line.stations[at or party].running
    lines = log_of(driver, driver.channels[line.channel])["entries"]
    return [one for one in lines if one["party"] == party and one["form"] == SECRETS_FORM]


def test_everything_is_readable_again_and_given_once(line: Line, before: Line) -> None:
    """Each other station gives once, also after restarts; what was not for alfa stays closed to it."""
    assert texts(line, "alfa") == {}
    connect(line)
    line.settle()
    old = texts(before, "alfa")
    assert len(old) == 6
    assert texts(line, "alfa").items() >= old.items()
    assert "first to the mediator alone" not in texts(line, "alfa").values()
    for party in ("bravo", "meridian"):
        (given,) = given_by(line, party)
        assert (given["to"], given["re"], given["text"]) == (["alfa"], ["alfa.2/0"], None)
        line.stations[party].start()
    disconnect(line)
    connect(line)
    line.settle()
    assert [len(given_by(line, party)) for party in line.stations] == [0, 1, 1]
    assert rules_found(line) == []
    must_be_sound(line)


def test_nobody_sees_secrets(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    """Logs count them, people are not shown them, evidence never opens them, third stations cannot read them."""
    connect(line)
    line.settle()
    (given,) = given_by(line, "bravo")
    assert given["fields"] == {"epochs": 6}  # two lives of keys, of three authors
    assert given_by(line, "bravo", at="meridian") == []
    bravo = line.stations["bravo"].running
    channel = bravo.channels[line.channel]
    say_log(log_of(bravo, channel), line.now, everything=False)
    assert SECRETS_FORM not in capsys.readouterr().out
    report = audit(bundle_of(channel, None, reveal=True))
    assert report.sound
    contents = {str(entry.ref): entry.content for entry in report.entries if entry.disclosed}
    assert len(contents) > 5
    assert str(given["ref"]) not in contents
    with pytest.raises(LocalMisuse, match="nothing to reveal"):
        bundle_of(channel, parse_ref(str(given["ref"])), reveal=True)
    for form in (SECRETS_FORM, "status"):
        with pytest.raises(LocalMisuse, match="only the station itself"):
            Desk(bravo, running=True).act("send", {"to": ["alfa"], "form": form, "text": "x", "exercise": True})


@pytest.mark.parametrize("outcome", [Outcome.NOT_KEPT, Outcome.KEPT])
@pytest.mark.parametrize("commit", range(1, 7))
def test_a_crash_of_the_giver_changes_nothing(line: Line, before: Line, commit: int, outcome: Outcome) -> None:
    """Whichever commit fails, kept or not, the secrets are given exactly once."""
    bravo = line.stations["bravo"]
    store = FaultyStore(MemoryStore(bravo.disk), {commit: outcome})
    bravo.driver = Driver(store, MemoryAnchor(bravo.journal), bravo.keyring, bravo.party, "hq")
    crashed = False
    try:
        connect(line)
        line.settle()
    except StoreFault:
        crashed = True
        bravo.start()
    disconnect(line)
    connect(line)
    line.settle()
    assert crashed == (store.commits_count >= commit)
    assert len(given_by(line, "bravo")) == 1
    assert texts(line, "alfa").items() >= texts(before, "alfa").items()
    must_be_sound(line)


def test_a_receiver_that_crashed_looks_again(line: Line, before: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry is durable, the secrets were not in custody yet: after the restart they are taken from the entry."""
    with monkeypatch.context() as patch:
        patch.setattr(Epochs, "accept", lambda *_arguments, **_named: True)
        connect(line)
        line.settle()
    alfa = line.stations["alfa"]
    assert texts(line, "alfa") == {}
    assert alfa.start().wake == 0
    line.settle()
    assert texts(line, "alfa").items() >= texts(before, "alfa").items()


def test_a_lying_giver_is_marked_and_believed_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that does not fit the check of the giver's own epoch is a finding; nothing opens by it."""
    real = Epochs.known_to

    def known_to(epochs: Epochs, party: PartyId) -> list[tuple[Origin, int, bytes]]:
        lies = [(origin, index, bytes(32)) for origin, index, _ in real(epochs, party)]
        return lies if epochs._party == "bravo" else []

    monkeypatch.setattr(Epochs, "known_to", known_to)
    connect(line)
    line.settle()
    bravo = origin_of(line.channel, "bravo", 1)
    assert set(rules_found(line)) == {(bravo, "EPOCH-8")}
    assert texts(line, "alfa") == {}
    line.stations["alfa"].start()
    line.settle()
    assert set(rules_found(line)) == {(bravo, "EPOCH-8")}


def test_without_a_later_book_nothing_is_given(before: Line) -> None:
    """EPOCH-7 is for a station that has written before: links that come and go give nothing."""
    line = twin(before)
    connect(line)
    line.settle()
    assert [given_by(line, party) for party in line.stations] == [[], [], []]
    alfa = line.stations["alfa"].running.channels[line.channel]
    first = alfa.ledger.books[origin_of(line.channel, "bravo", 1)]
    assert list(secrets_for(first, alfa.ledger, alfa.epochs)) == []


def test_a_secret_of_no_epoch_is_not_kept(before: Line) -> None:
    """EPOCH-8: what is here and began no epoch for us has no secret; what is still to come is kept under its own check."""
    line = twin(before)
    alfa = line.stations["alfa"]
    epochs = alfa.running.channels[line.channel].epochs
    bravo = origin_of(line.channel, "bravo", 1)
    kept = dict(alfa.keyring._secrets)
    assert epochs.accept(bravo, 0, bytes(32), held=True)
    assert alfa.keyring._secrets == kept
    assert epochs.accept(bravo, 10_000, bytes(32), held=False)
    assert set(alfa.keyring._secrets) - set(kept) == {epoch_check(bytes(32), bravo, 10_000)}
    known = next(index for origin, index in epochs._known if origin == bravo)
    assert not epochs.accept(bravo, known, bytes(32), held=True)


def test_a_full_content_fits_one_entry() -> None:
    """EPOCH-7: the longest list of the longest places, which does not compress, and back."""
    party = PartyId("a" * 24)
    secrets = [
        GivenSecret(party, 64, 2**40 - 1 - number, bytes((number * 7 + k * 31) % 256 for k in range(32)))
        for number in range(SECRETS_PER_ENTRY_MAX)
    ]
    octets = encode_content(secrets_content(party, Ref(party, 64, 0), secrets))
    assert len(pack(octets, None)) <= PADDED_OCTETS_MAX
    assert secrets_in(decode_content(octets)) == secrets


@pytest.mark.parametrize(
    "fields",
    [
        None,
        {},
        {"epochs": ()},
        {"epochs": ((),)},
        {"epochs": (("alfa", 1, 1, b"short"),)},
        {"epochs": (("alfa", 0, 1, bytes(32)),)},
        {"epochs": (("alfa", 1, 0, bytes(32)),)},
        {"epochs": (("Alfa", 1, 1, bytes(32)),)},
        {"epochs": (("alfa", 1, 1, bytes(32)),) * (SECRETS_PER_ENTRY_MAX + 1)},
        {"epochs": (("alfa", 1, 1, bytes(32)),), "more": 1},
    ],
)
def test_another_shape_gives_nothing(fields: dict[str, object] | None) -> None:
    """EPOCH-7."""
    with pytest.raises(Malformed) as caught:
        secrets_in(Content(form=SECRETS_FORM, fields=fields))  # type: ignore[arg-type]
    assert caught.value.rule == "EPOCH-7"
