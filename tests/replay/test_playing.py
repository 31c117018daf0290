"""Two stations play a correspondence: in order, never twice, broken off and gone on with, and never on a REAL channel."""

import json
import signal
import time
from pathlib import Path

from detente.cli.speech import EXERCISE_LINE
from detente.demo.stage import Stage
from tests.replay import correspondences
from tests.replay.correspondences import ended, play, start, texts, write

MOLINK = ("--as", "us-molink=alfa", "--as", "soviet-molink=bravo")
TO_AND_FRO = [
    {"from": sender, "to": reader, "text": f"{number} {'long ' * 5_000 if number == 3 else ''}", "precedence": "FLASH"}
    for number, (sender, reader) in enumerate([("alfa", "bravo"), ("bravo", "alfa")] * 10)
]


def test_the_shipped_correspondence_is_played_by_name(stage: Stage) -> None:
    """Both ends tell every message; the record holds them in the order of the file, with precedence, language and time."""
    told = play(stage, "molink-1967", *MOLINK)
    for party, ours in (("alfa", 8), ("bravo", 5)):
        assert [one["number"] for one in told[party][:-1]] == list(range(1, 14))
        assert told[party][-1]["held"] == told[party][-1]["ours"] == ours
        refs = [one["entry"] for one in told[party][:-1]]
        entries = [one for one in stage.ask(party, "log")["entries"] if one["ref"] in refs]
        assert [one["ref"] for one in entries] == refs  # ORDER-2
        assert {one["precedence"] for one in entries} == {"FLASH"}
        assert entries[0]["lang"] == "ru"
        assert entries[0]["fields"]["time"] == "1967-06-05T07:47-04:00"


def test_what_was_broken_off_goes_on_and_nothing_is_sent_twice(stage: Stage, tmp_path: Path) -> None:
    """Killed in the middle at one end, begun again at both, and once more: each text stands once in each record."""
    file = write(tmp_path / "drill.json", TO_AND_FRO)
    bravo = start(stage, "bravo", file, "--json")
    alfa = start(stage, "alfa", file, "--json")
    assert alfa.stdout is not None
    for _ in range(5):
        alfa.stdout.readline()
    alfa.send_signal(signal.SIGKILL)
    alfa.communicate()
    told = [json.loads(line) for line in ended(start(stage, "alfa", file, "--json")).splitlines()]
    assert [one["number"] for one in told[:-1]] == list(range(1, 21))
    assert [one["before"] for one in told[:5]] == [True] * 5
    ended(bravo)
    again = play(stage, file)
    for party in stage.homes:
        assert all(one["before"] for one in again[party][:-1])
        assert texts(stage, party, again[party]) == [one["text"] for one in TO_AND_FRO]
        log = stage.ask(party, "log")["entries"]
        assert sum(one["text"] == TO_AND_FRO[0]["text"] for one in log) == 1
    assert not any(one["before"] for one in play(stage, file, "--repeat", "2")["alfa"][:-1])
    assert sum(one["text"] == TO_AND_FRO[0]["text"] for one in stage.ask("bravo", "log")["entries"]) == 2


def test_the_pace_of_the_file_is_kept(stage: Stage, tmp_path: Path) -> None:
    """Ten minutes at 300 times the pace are two seconds, between what alfa sends and what bravo answers."""
    messages = [
        {"from": "alfa", "to": "bravo", "time": "2030-01-31T06:00Z", "text": "at six"},
        {"from": "bravo", "to": "alfa", "time": "2030-01-31T06:10Z", "text": "ten past"},
        {"from": "alfa", "to": "bravo", "time": "2030-01-31", "text": "a day without an hour makes no pause"},
    ]
    told = play(stage, write(tmp_path / "drill.json", messages), "--speed", "300")
    at = {one["ref"]: one["at"] for one in stage.ask("alfa", "log")["entries"]}
    first, second, third = (at[one["entry"]] for one in told["alfa"][:-1])
    assert 1_900 < second - first < 4_000
    assert third - second < 1_500


def test_silence_is_told_by_name(stage: Stage, tmp_path: Path) -> None:
    """A party that does not play, plays another file, or is away: exit 5, who, which message, and why."""
    file = write(tmp_path / "drill.json", [{"from": "bravo", "to": "alfa", "text": "never sent"}])
    told = ended(start(stage, "alfa", file, "--patience", "0.5"), 5)
    assert "bravo is silent: message 1 of 1 has not arrived within 0.5 s (" in told
    other = write(tmp_path / "other.json", [{"from": "bravo", "to": "alfa", "text": "of another file"}])
    play(stage, other)
    told = ended(start(stage, "alfa", file, "--patience", "0.5"), 5)
    assert "the last that bravo played was another file" in told
    (line,) = ended(start(stage, "alfa", file, "--dry-run", "--json")).splitlines()
    assert json.loads(line)["state"] == "awaited"


def test_two_replays_at_one_home_are_one_too_many(stage: Stage, tmp_path: Path) -> None:
    """The second says who plays already; the first goes on."""
    file = write(tmp_path / "drill.json", [{"from": "bravo", "to": "alfa", "text": "awaited by one"}])
    first = start(stage, "alfa", file)
    time.sleep(1.0)
    assert "in use by detente replay" in ended(start(stage, "alfa", file, "--patience", "1"), 2)
    ended(start(stage, "bravo", file))
    assert "Played whole." in ended(first)


def test_people_are_shown_a_table_and_the_mark_of_an_exercise(stage: Stage, tmp_path: Path) -> None:
    """--dry-run and a played file begin and end with the line of an exercise."""
    file = write(tmp_path / "drill.json", correspondences.from_one_side(["Call us."], "en"))
    shown = ended(start(stage, "alfa", file, "--dry-run")).splitlines()
    assert (shown[0], shown[-1]) == (EXERCISE_LINE, EXERCISE_LINE)
    assert "to send" in shown[-2]
    lines = ended(start(stage, "alfa", file)).splitlines()
    assert (lines[0], lines[-1]) == (EXERCISE_LINE, EXERCISE_LINE)
    assert "1 of our 1 messages are proven to be held" in lines[-2]
    assert "sent alfa/" in ended(start(stage, "alfa", file, "--dry-run"))
