"""`detente bench` runs whole: every figure is there and can be true. How fast a machine is, no test asserts."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from detente.bench import wire
from detente.bench.measure import FIGURES, is_met
from detente.bench.texts import TEXT_OCTETS, texts
from tests.tidy import tree

SECONDS_MAX = 100
CORPUS = Path("scripts/message_corpus/en.txt")


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    """The program as a person starts it."""
    command = [sys.executable, "-m", "detente", "bench", "--quick", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


@pytest.mark.slow
def test_every_figure_is_measured() -> None:
    """Two stations, a witness, the limit and a long book: one JSON object with every figure, each of them possible."""
    done = bench("--json", "--million")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert list(found) == [figure.key for figure in FIGURES]
    assert all(value > 0 for value in found.values())
    assert found["single_p50_ms"] <= found["single_p99_ms"]
    # a text of 280 octets, sealed and signed for, and its receipt: more than 200, and far less than the text thrice
    assert 200 < found["ip_bytes_burst"] < found["ip_bytes_back_to_back"] <= found["ip_bytes_single"] < 3 * TEXT_OCTETS
    assert found["burst_to_limit"] == pytest.approx(
        found["burst_messages_per_s"] / found["limit_messages_per_s"], rel=0.01
    )


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    """Nothing is ever written over."""
    (tmp_path / "file").write_text("mine")
    done = bench("--json", "--dir", str(tmp_path))
    assert done.returncode == 2
    assert "not empty" in json.loads(done.stdout)["error"]["text"]
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_the_kernel_counts_what_was_sent() -> None:
    """Three messages of 100 octets each way: their payload, and a header for each segment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as near, listener.accept()[0] as far:
            before = wire.sent(port)
            for _ in range(3):
                near.sendall(bytes(100))
                assert len(far.recv(1_000)) == 100
                far.sendall(bytes(100))
                assert len(near.recv(1_000)) == 100
            octets = wire.ip_octets(before, wire.sent(port))
    assert 600 + 6 * 40 <= octets <= 600 + 12 * 60  # six segments, and at most as many acknowledgements


def test_a_large_payload_counts_as_many_segments() -> None:
    """Loopback sends 64 KiB in one segment; a line would need 46 of 1,448 octets."""
    before = {(1, 2): wire.Sent(0, 0, 52)}
    assert wire.ip_octets(before, {(1, 2): wire.Sent(65_536, 1, 52)}) == 65_536 + 46 * 52


def test_texts_are_of_one_size_and_all_different() -> None:
    """280 octets each, no text twice, and the same seed gives the same texts."""
    found = texts(1_000, 1)
    assert {len(text.encode()) for text in found} == {TEXT_OCTETS}
    assert len(set(found)) == 1_000
    assert found == texts(1_000, 1)
    assert found != texts(1_000, 2)


def test_no_sentence_is_in_the_corpus_of_the_dictionary() -> None:
    """A figure measured with the texts that the dictionary was made from would flatter."""
    corpus = (tree.ROOT / CORPUS).read_text("utf-8")
    sentences = (tree.ROOT / "src/detente/bench/texts.txt").read_text("utf-8").splitlines()
    for sentence in sentences:
        words = sentence.split()
        for start in range(len(words) - 5):
            assert " ".join(words[start : start + 6]) not in corpus


def test_targets_have_a_direction() -> None:
    """A rate is to be at least its target, a time or size at most."""
    rate, time_ = FIGURES[0], next(figure for figure in FIGURES if figure.key == "single_p50_ms")
    assert is_met(rate, 12_000) is True
    assert is_met(rate, 11_999) is False
    assert is_met(time_, 4.0) is True
    assert is_met(time_, 4.1) is False
    assert is_met(FIGURES[1], 1) is None
