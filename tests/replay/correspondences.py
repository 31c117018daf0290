"""Real texts as correspondences, and two real stations that play them: the adapter stands here, the texts stay outside."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from detente.demo.stage import Stage

WAIT_SECONDS_MAX = 60.0
FIRST, SECOND = "Kennedy", "Khrushchev"
WITH_THE_SECOND = ("Khrushchev", "Brezhnev")  # who writes from where the second party is
NAMES = ("--as", f"{FIRST}=alfa", "--as", f"{SECOND}=bravo")
PARAGRAPH_END = "\n\n"


def kennedy_khrushchev(shared_data: Path) -> list[dict[str, Any]]:
    """All 120 documents as messages between two names.

    Of a document that lacks its sender or addressee, or is not from one side to the other, the first party is the
    sender; the 10 without a date have no `time`, and all keep the order of the volume.
    """
    path = shared_data / "hotline" / "frus1961-63v06_kennedy_khrushchev_all.json"
    messages = []
    for document in json.loads(path.read_bytes())["documents"]:
        is_second = bool(document["from"] and document["to"]) and document["from"][0] in WITH_THE_SECOND
        sender, addressee = (SECOND, FIRST) if is_second else (FIRST, SECOND)
        message = {"from": sender, "to": addressee, "language": "en", "text": PARAGRAPH_END.join(document["body"])}
        if document["dates"]:
            message["time"] = document["dates"][0]["when"][:10]
        messages.append(message)
    return messages


def from_one_side(texts: Iterable[str], language: str | None = None) -> list[dict[str, Any]]:
    """Texts as messages that alfa sends to bravo."""
    return [{"from": "alfa", "to": "bravo", "text": text, "language": language} for text in texts]


def write(path: Path, messages: list[dict[str, Any]]) -> Path:
    """A correspondence in a file."""
    path.write_text(json.dumps(messages, ensure_ascii=False), "utf-8")
    return path


def start(stage: Stage, party: str, file: Path | str, *options: str) -> subprocess.Popen[str]:
    """`detente replay` at one party, as a process of its own."""
    command = [sys.executable, "-m", "detente", "replay", str(stage.homes[party].path), str(file), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str], status: int = 0) -> str:
    """The standard output of a command that ends with this status, with its standard error if that is not 0."""
    try:
        output, errors = process.communicate(timeout=WAIT_SECONDS_MAX)
    finally:
        process.kill()
    assert process.returncode == status, output + errors
    assert "Traceback" not in errors
    return output + errors if status else output


def play(stage: Stage, file: Path | str, *options: str) -> dict[str, list[dict[str, Any]]]:
    """The same file at both ends at once; what each told, line by line."""
    processes = {party: start(stage, party, file, "--json", *options) for party in stage.homes}
    return {party: [json.loads(line) for line in ended(process).splitlines()] for party, process in processes.items()}


def texts(stage: Stage, party: str, told: list[dict[str, Any]]) -> list[str]:
    """The whole texts in the record of a party, of the messages that a replay told, in reading order."""
    refs = {one["entry"] for one in told if "entry" in one}
    entries = stage.ask(party, "log")["entries"]
    return [entry["text"] if entry["part"] is None else entry["whole"] for entry in entries if entry["ref"] in refs]
