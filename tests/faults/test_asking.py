"""Whoever asks a station that ends in the midst of an answer is told so in words, however the connection breaks."""

import socket
import threading
from collections.abc import Callable

import pytest

from tests.cli.desks import run
from tests.faults.ground import Ground


def resets(connection: socket.socket) -> None:
    """End with octets unread, as a killed station does: the other end sees a reset."""
    connection.recv(1)


def tears(connection: socket.socket) -> None:
    """End within an answer."""
    connection.recv(65_536)
    connection.sendall(b'{"answer": {"channel": "li')


def says_nothing(connection: socket.socket) -> None:
    """End without an answer."""
    connection.recv(65_536)


@pytest.mark.parametrize("ends", [resets, tears, says_nothing])
def test_a_station_that_ends_under_a_question(pair: Ground, ends: Callable[[socket.socket], None]) -> None:
    """One line, status 5, and how to find out what was written."""
    home = pair.homes["alfa"]
    with socket.socket(socket.AF_UNIX) as station:
        station.bind(str(home.socket_path))
        station.listen()

        def serve() -> None:
            connection, _ = station.accept()
            with connection:
                ends(connection)

        threading.Thread(target=serve, daemon=True).start()
        words = ("--to", "bravo", "--precedence", "flash", "--message", "x" * 1_000, "--exercise")
        result = run("send", home.path, *words)
    assert result.exit_code == 5
    assert result.stderr == (
        "error: the station stopped before it answered; look with `detente log` what was written\n"
    )
