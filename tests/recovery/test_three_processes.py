"""A restore for real: three stations as processes of their own, TLS, kill -9 at a random moment, an old backup put back."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detente.demo.play import Play
from detente.demo.stage import Stage
from detente.errors import BearerFault
from detente.ids import origin_of
from detente.station import backup as backups
from detente.station.backup import make_backup
from detente.station.recovery import drill, restore
from detente.station.runtime import now_ms
from detente.stores.age_file import AgeWriter

PARTIES = ["alfa:principal", "bravo:principal", "harbour:witness"]
KEY = "restore"
BACKUP_PASSPHRASE = b"another passphrase"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Three running stations that have met; a quick work factor for backups."""
    monkeypatch.setattr(backups, "AgeWriter", lambda file, passphrase: AgeWriter(file, passphrase, log_work=4))
    found = Stage(tmp_path / "stage")
    try:
        for item in PARTIES:
            party, role = item.split(":")
            found.make_station(party, role, party.upper())
        found.lay_wires()
        found.found(KEY, "A line for restoring", PARTIES)
        for party in found.homes:
            found.start(party)
        for party in found.homes:
            found.wait_running(party)
            found.until(lambda party=party: len(openings(found, party)) == 3, "all have met")  # type: ignore[misc]
        yield found
    finally:
        found.stop_all()


def openings(stage: Stage, party: str) -> list[dict[str, Any]]:
    """The books of which a station holds something."""
    (channel,) = stage.ask(party, "status")["channels"]
    return [book for book in channel["books"] if book["size"]]


def log(stage: Stage, party: str) -> list[dict[str, Any]]:
    """The log of the channel."""
    found: list[dict[str, Any]] = stage.ask(party, "log", channel=stage.channels[KEY])["entries"]
    return found


def texts(stage: Stage, party: str) -> dict[str, str]:
    """Every message that a party can read."""
    return {one["ref"]: one["text"] for one in log(stage, party) if one["form"] == "message"}


def say(stage: Stage, sender: str, to: str, text: str) -> str:
    """One message, durable when this returns."""
    answer = stage.ask(
        sender, "send", channel=stage.channels[KEY], to=[to], text=text, precedence="routine", lang="en", exercise=True
    )
    return str(answer["entries"][0])


def talk(stage: Stage, word: str, count: int) -> None:
    """Messages both ways."""
    for number in range(count):
        say(stage, "alfa", "bravo", f"{word} {number} of alfa")
        say(stage, "bravo", "alfa", f"{word} {number} of bravo")


def must_agree(stage: Stage) -> None:
    """With every station stopped: each record is SOUND for a stranger, and all copies of all books agree."""
    stage.stop_all()
    facts = [told.fact for told in Play({"step": [], "channel": [], "party": []}, stage).verify()]
    assert sum("SOUND" in fact for fact in facts) == 3
    for party in stage.homes:
        (channel,) = stage.ask(party, "status")["channels"]
        assert channel["findings"] == [], party


@pytest.mark.parametrize("lost", ["nothing else", "anchor", "secrets and readers' keys"])
def test_an_old_backup_after_kill_9(stage: Stage, tmp_path: Path, lost: str) -> None:
    """Backup while messages flow, kill -9 while messages flow, restore, start: the next book, the tail, every text."""
    home = stage.homes["alfa"]
    chance = random.Random()
    talk(stage, "before", 3)
    threads = [threading.Thread(target=talk, args=(stage, "meanwhile", 20))]
    threads[0].start()
    stage.until(lambda: len(texts(stage, "bravo")) > chance.randrange(8, 20), "messages flow")
    made = make_backup(home, tmp_path / "b.age", BACKUP_PASSPHRASE, now_ms())
    threads[0].join()
    talk(stage, "after", 4)
    stage.until(lambda: len(texts(stage, "alfa")) == 54, "alfa has all of it")
    held = texts(stage, "alfa")
    stage.until(lambda: texts(stage, "bravo") == held, "bravo has all of it")
    stage.kill("alfa")
    name = stage.channels[KEY]
    if lost == "anchor":
        home.anchor_path.unlink()
    if lost == "secrets and readers' keys":
        (home.keys_path / "secrets").write_bytes(b"")
        for path in home.keys_path.glob("hpke-*.pem"):
            path.unlink()
    rehearsed = drill(tmp_path / "b.age", home, BACKUP_PASSPHRASE)
    done = restore(tmp_path / "b.age", home.path, BACKUP_PASSPHRASE)
    assert done.prospects == rehearsed.prospects
    (prospect,) = done.prospects
    assert (prospect.next_book, prospect.opens) == (2, True)
    at_backup = next(book.size for book in made.books if book.origin == origin_of(name, "alfa", 1))
    assert prospect.size == at_backup
    assert prospect.missing == (
        None if lost == "anchor" else max(int(r[5:]) for r in held if r[4] == "/") + 1 - at_backup
    )
    stage.start("alfa")
    stage.wait_running("alfa")
    assert say(stage, "alfa", "bravo", "back again").startswith("alfa.2/")
    stage.until(lambda: "back again" in texts(stage, "bravo").values(), "bravo reads book 2", 30)
    say(stage, "bravo", "alfa", "welcome back")
    stage.until(lambda: texts(stage, "alfa").items() >= held.items(), "every text is there again", 60)
    stage.until(lambda: "welcome back" in texts(stage, "alfa").values(), "alfa is answered")
    (opening,) = (one for one in log(stage, "bravo") if one["ref"] == "alfa.2/0")
    assert opening["fields"]["reason"] == "restored"
    given = [one for one in log(stage, "bravo") if one["form"] == "secrets" and one["party"] == "bravo"]
    assert [one["re"] for one in given] == [["alfa.2/0"]]
    must_agree(stage)


def test_a_peer_that_serves_an_older_head_of_our_book(stage: Stage, tmp_path: Path) -> None:
    """bravo is put back too, and so shows an older alfa/1; harbour is away. Nothing forks; harbour brings the rest."""
    talk(stage, "before", 2)
    for party in ("alfa", "bravo"):
        stage.until(lambda party=party: len(texts(stage, party)) == 4, "both hold all")  # type: ignore[misc]
        make_backup(stage.homes[party], tmp_path / f"{party}.age", BACKUP_PASSPHRASE, now_ms())
    talk(stage, "after", 3)
    held = texts(stage, "alfa")
    size = next(book["size"] for book in openings(stage, "alfa") if book["ours"])
    stage.until(
        lambda: any(b["party"] == "alfa" and b["size"] == size for b in openings(stage, "harbour")), "harbour holds it"
    )
    for party in ("alfa", "bravo", "harbour"):
        stage.kill(party)
    for party in ("alfa", "bravo"):
        restore(tmp_path / f"{party}.age", stage.homes[party].path, BACKUP_PASSPHRASE)
        stage.start(party)
        stage.wait_running(party)
    assert say(stage, "alfa", "bravo", "from two old copies").startswith("alfa.2/")
    stage.until(lambda: "from two old copies" in texts(stage, "bravo").values(), "they talk in their next books", 30)
    assert texts(stage, "alfa").items().isdisjoint({(r, t) for r, t in held.items() if t.startswith("after")})
    stage.start("harbour")
    stage.wait_running("harbour")
    stage.until(lambda: texts(stage, "alfa").items() >= held.items(), "what only harbour held came back", 60)
    must_agree(stage)


def test_a_store_changed_by_hand_is_told_from_an_old_one(stage: Stage) -> None:
    """The sanity of `must_agree`: it fails where a record is not whole."""
    talk(stage, "before", 1)
    stage.stop_all()
    Play({"step": [], "channel": [], "party": []}, stage).tamper("bravo")
    with pytest.raises(BearerFault, match="NOT SOUND"):
        must_agree(stage)
