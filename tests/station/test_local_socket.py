"""The local socket takes whatever octets come: each line gets one answer, a clear fault, and the station goes on."""

import json
import socket
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detente.demo.stage import Stage
from detente.errors import LocalMisuse
from detente.station.local import ask

ANSWER_SECONDS_MAX = 20.0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One running station of a channel whose other party is away."""
    stage = Stage(tmp_path_factory.mktemp("s"))
    for party in ("alfa", "bravo"):
        stage.make_station(party, "principal", party.upper())
    stage.found("line", "Line", ["alfa:principal", "bravo:principal"])
    try:
        stage.start("alfa")
        stage.wait_running("alfa")
        yield stage
    finally:
        stage.stop_all()


def say(stage: Stage, lines: list[bytes]) -> list[dict[str, Any]]:
    """The answers to lines as they are, one for each."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS_MAX)
        connection.connect(str(stage.homes["alfa"].socket_path))
        with connection.makefile("rwb") as stream:
            answers = []
            for line in lines:
                stream.write(line + b"\n")
                stream.flush()
                answers.append(json.loads(stream.readline()))
            return answers


def code(answer: dict[str, Any]) -> str:
    """The code of the fault that an answer is."""
    return str(answer["fault"]["code"])


@pytest.mark.parametrize(
    "frame",
    [
        b"%s",
        b'{"operation": %s}',
        b'{"operation": "log", "arguments": %s}',
        b'{"operation": "send", "arguments": {"text": %s}}',
    ],
)
def test_every_json_torture_case_gets_a_clear_fault(stage: Stage, shared_data: Path, frame: bytes) -> None:
    """317 texts, good JSON and bad, as a whole request and as parts of one: no crash, no silence, nothing sent."""
    cases = (shared_data / "badinput" / "jsontestsuite_parsing.jsonl").read_text().splitlines()
    texts = [b64decode(json.loads(case)["b64"]) for case in cases]
    lines = [frame.replace(b"%s", text.replace(b"\n", b" ")) for text in texts]
    answers = say(stage, lines)
    assert len(answers) == 317
    wrong = [line for line, one in zip(lines, answers, strict=True) if "fault" not in one and b'"log"' not in line]
    assert not wrong
    assert {code(one) for one in answers if "fault" in one} == {"local-misuse"}
    assert stage.ask("alfa", "status")["running"] is True


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("log", {"limit": "x"}),
        ("log", {"limit": 1.5}),
        ("log", {"channel": ["line"]}),
        ("arrivals", {"after": "x"}),
        ("arrivals", {"after": -1}),
        ("arrivals", {"after": 2**80}),
        ("evidence", {"entry": 5}),
        ("evidence", {"entry": "alfa/999"}),
        ("send", {"exercise": True, "to": "bravo", "text": "x"}),
        ("send", {"exercise": True, "to": ["bravo"], "text": 5}),
        ("send", {"exercise": True, "to": ["bravo"], "text": ""}),
        ("send", {"exercise": True, "to": ["bravo"], "text": " \n"}),
        ("send", {"exercise": True, "to": ["bravo"], "text": "x", "precedence": 1}),
        ("send", {"exercise": True, "to": ["bravo"], "text": "x", "fields": {"a": 1.5}}),
        ("send", {"exercise": True, "to": ["bravo"], "text": "x", "fields": []}),
        ("send", {"exercise": True, "to": ["bravo"], "text": "x", "re": "alfa/0"}),
        ("send", {"exercise": True, "to": ["bravo"], "text": "x", "lang": "\ud800"}),
        ("send", {"exercise": True, "to": ["bravo"], "text": "half \udc00 a pair"}),
        ("send", {"exercise": "yes", "to": ["bravo"], "text": "x"}),
        ("send", {"exercise": True, "to": ["nobody"], "text": "x"}),
        ("acknowledge", {"by": "officer"}),
        ("take_note", {"octets": "%"}),
        ("take_note", {"octets": 5}),
        ("take_note", {}),
        ("nothing", {}),
    ],
)
def test_wrong_arguments_get_a_clear_fault(stage: Stage, operation: str, arguments: dict[str, Any]) -> None:
    """An operation with arguments that it cannot use is refused by name, and the station runs on."""
    before = stage.ask("alfa", "arrivals")["after"]
    request = json.dumps({"operation": operation, "arguments": arguments}).encode()
    (answer,) = say(stage, [request])
    assert code(answer) in {"local-misuse", "malformed"}, answer
    assert answer["fault"]["text"]
    assert stage.ask("alfa", "arrivals")["after"] == before


def test_a_text_that_is_no_text_is_refused_before_it_is_sent(stage: Stage) -> None:
    """Half of a surrogate pair has no octets: a fault that says so, with a running station and without one."""
    arguments = {"exercise": True, "to": ["bravo"], "text": "half \ud800 a pair"}
    for party in ("alfa", "bravo"):
        with pytest.raises(LocalMisuse, match="surrogate"):
            ask(stage.homes[party], "send", arguments, lambda: b"exercise")


def test_a_line_without_end_is_cut_off_and_the_station_goes_on(stage: Stage) -> None:
    """More octets than a request may have: the connection ends, nothing else does."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS_MAX)
        connection.connect(str(stage.homes["alfa"].socket_path))
        try:
            connection.sendall(b"x" * 5_000_000)
            assert connection.recv(1) == b""
        except ConnectionError:
            pass
    assert stage.ask("alfa", "status")["running"] is True
