"""Real correspondence and hostile texts between two real stations: octet for octet, in order, proven and verified."""

import base64
import csv
import json
from pathlib import Path

import pytest

from detente.demo.stage import Stage
from detente.errors import LocalMisuse
from detente.verify.audit import audit
from tests.replay.correspondences import (
    NAMES,
    PARAGRAPH_END,
    ended,
    from_one_side,
    kennedy_khrushchev,
    play,
    start,
    texts,
    write,
)


@pytest.fixture(scope="module")
def blns(shared_data: Path) -> list[str]:
    """The 515 naughty strings."""
    found: list[str] = json.loads((shared_data / "badinput" / "blns.json").read_bytes())
    return found


def test_every_paragraph_of_kennedy_and_khrushchev_arrives(stage: Stage, shared_data: Path, tmp_path: Path) -> None:
    """READ-3, READ-5, LADDER-3: 120 documents, 1,567 paragraphs: the same at both ends, held with proof, sound offline."""
    messages = kennedy_khrushchev(shared_data)
    assert len(messages) == 120
    assert sum("time" not in one for one in messages) == 10
    documents = json.loads((shared_data / "hotline" / "frus1961-63v06_kennedy_khrushchev_all.json").read_bytes())
    assert sum(not (one["from"] and one["to"]) for one in documents["documents"]) == 36
    paragraphs = [paragraph for document in documents["documents"] for paragraph in document["body"]]
    told = play(stage, write(tmp_path / "letters.json", messages), *NAMES)
    for party in stage.homes:
        assert [one["number"] for one in told[party][:-1]] == list(range(1, 121))
        arrived = texts(stage, party, told[party])
        assert [paragraph for text in arrived for paragraph in text.split(PARAGRAPH_END)] == paragraphs
        entries = stage.ask(party, "log")["entries"]
        ours = [one for one in entries if one["form"] == "message" and one["party"] == party]
        assert all(ladder["rung"] == "held" and ladder["proofs"] for one in ours for ladder in one["ladder"])
        assert any(one["part"] and one["part"][1] > 3 for one in ours) or party == "alfa"  # READ-5
        report = audit(base64.b64decode(stage.ask(party, "evidence", reveal=True)["bundle"]))
        assert report.sound, report.findings
        assert told[party][-1]["held"] == told[party][-1]["ours"] > 0
    assert told["alfa"][-1]["ours"] + told["bravo"][-1]["ours"] == 120


def test_every_naughty_string_arrives(stage: Stage, blns: list[str], tmp_path: Path) -> None:
    """READ-3: 513 strings as they are."""
    whole = [text for text in blns if text.strip()]
    assert len(whole) == 513
    told = play(stage, write(tmp_path / "blns.json", from_one_side(whole)))
    for party in stage.homes:
        assert texts(stage, party, told[party]) == whole


def test_the_empty_naughty_strings_are_refused(stage: Stage, blns: list[str], tmp_path: Path) -> None:
    """READ-4: the two that hold nothing, and half of a surrogate pair, by replay and by send: a clear fault."""
    empty = [text for text in blns if not text.strip()]
    assert len(empty) == 2
    for text in (*empty, "half \ud800 a pair"):
        file = tmp_path / "empty.json"
        file.write_text(json.dumps(from_one_side(["fine", text])))
        assert "message 2, field `text`" in ended(start(stage, "alfa", file), 2)
        with pytest.raises(LocalMisuse, match="text"):
            stage.ask("alfa", "send", exercise=True, to=["bravo"], text=text)


def test_disguised_programs_arrive(stage: Stage, shared_data: Path, tmp_path: Path) -> None:
    """READ-3: 25 sources with bidi controls, look-alikes and letters that are not seen."""
    rows = (shared_data / "badinput" / "trojan_source_samples.jsonl").read_text().splitlines()
    samples = [base64.b64decode(json.loads(row)["b64"]) for row in rows]
    assert len(samples) == 25
    told = play(stage, write(tmp_path / "samples.json", from_one_side([one.decode() for one in samples])))
    for party in stage.homes:
        assert [text.encode() for text in texts(stage, party, told[party])] == samples


def test_the_universal_declaration_arrives_in_three_languages(stage: Stage, shared_data: Path, tmp_path: Path) -> None:
    """READ-3: each line in English, Russian and Ukrainian, with its language."""
    with (shared_data / "multilingual" / "udhr_en_ru_uk_aligned.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = [
        line for row in rows for language in ("en", "ru", "uk") for line in from_one_side([row[language]], language)
    ]
    lines = [line for line in lines if line["text"]]
    assert len(lines) > 100
    told = play(stage, write(tmp_path / "declaration.json", lines))
    refs = {one["entry"] for one in told["bravo"][:-1]}
    entries = [one for one in stage.ask("bravo", "log")["entries"] if one["ref"] in refs]
    assert [(one["lang"], one["text"]) for one in entries] == [(line["language"], line["text"]) for line in lines]
