"""Asking a station of this machine: the running one by its local socket, or else its HOME, opened here for the moment.

Both give the same answers to the same operations; the answer says whether a station is running.
"""

import contextlib
import json
import socket
from collections.abc import Callable, Iterable, Iterator
from io import BufferedRWPair
from typing import Any

from detente.errors import (
    BearerFault,
    BrokenRule,
    Equivocation,
    Fault,
    InternalFault,
    LocalMisuse,
    Malformed,
    PeerViolation,
    StoreFault,
    StoreFull,
)
from detente.limits import LOCAL_REQUESTS_UNDER_WAY_MAX
from detente.station.desk import Desk
from detente.station.driver import Driver
from detente.station.home import Home
from detente.station.requests import write_request
from detente.station.runtime import now_ms

_FAULTS: dict[str, type[Fault]] = {
    kind.code: kind
    for kind in (
        LocalMisuse,
        PeerViolation,
        Malformed,
        BrokenRule,
        Equivocation,
        StoreFault,
        StoreFull,
        BearerFault,
        InternalFault,
    )
}

_STOPPED = "the station stopped before it answered; look with `detente log` what was written"


def ask(home: Home, operation: str, arguments: dict[str, Any], passphrase: Callable[[], bytes]) -> dict[str, Any]:
    """One operation of the desk. Raises Fault."""
    return next(ask_many(home, [(operation, arguments)], passphrase))


def ask_many(
    home: Home, requests: Iterable[tuple[str, dict[str, Any]]], passphrase: Callable[[], bytes]
) -> Iterator[dict[str, Any]]:
    """Several operations, in order; each answer is given as soon as its turn is durable. Raises Fault at the first refusal."""
    for answer in ask_each(home, requests, passphrase):
        if isinstance(answer, Fault):
            raise answer
        yield answer


def ask_each(
    home: Home,
    requests: Iterable[tuple[str, dict[str, Any]]],
    passphrase: Callable[[], bytes],
    ahead: int = LOCAL_REQUESTS_UNDER_WAY_MAX,
) -> Iterator[dict[str, Any] | Fault]:
    """As `ask_many`, but a refused operation is answered by its Fault and the next one is tried.

    At most `ahead` requests are sent ahead of their answers; with 1 a request may depend on the answer before.
    Raises Fault if there is nobody to ask, or the store fails.
    """
    with contextlib.ExitStack() as held:
        connection = _connect(home)
        if connection is None:
            try:
                held.enter_context(home.lock())
            except LocalMisuse:
                connection = _connect(home)  # a station that was just starting has opened its socket by now
                if connection is None:
                    raise
        if connection is None:
            yield from _ask_here(home, requests, passphrase)
        else:
            held.enter_context(connection)
            yield from _ask_running(connection, requests, ahead)


def is_running(home: Home) -> bool:
    """Whether a station of this HOME answers."""
    connection = _connect(home)
    if connection is None:
        return False
    connection.close()
    return True


def _connect(home: Home) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(home.socket_path))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise LocalMisuse(f"the station's socket {home.socket_path} cannot be used: {error.strerror}") from error
    return connection


def _ask_running(
    connection: socket.socket, requests: Iterable[tuple[str, dict[str, Any]]], ahead: int
) -> Iterator[dict[str, Any] | Fault]:
    stream = connection.makefile("rwb")
    under_way = 0
    for operation, arguments in requests:
        with _stopped():
            stream.write(write_request(operation, arguments))
        under_way += 1
        if under_way == ahead:
            while under_way > ahead // 2:
                yield _answer(stream)
                under_way -= 1
    for _ in range(under_way):
        yield _answer(stream)


@contextlib.contextmanager
def _stopped() -> Iterator[None]:
    """However the connection breaks, the station's end is told in the same words."""
    try:
        yield
    except ConnectionError as error:
        raise BearerFault(_STOPPED) from error


def _answer(stream: BufferedRWPair) -> dict[str, Any] | Fault:
    with _stopped():
        stream.flush()
        line = stream.readline()
    if not line.endswith(b"\n"):
        raise BearerFault(_STOPPED)
    message = json.loads(line)
    if "fault" in message:
        fault = message["fault"]
        return _FAULTS.get(fault["code"], Fault)(fault["text"], rule=fault["rule"])
    answer: dict[str, Any] = message["answer"]
    return answer


def _ask_here(
    home: Home, requests: Iterable[tuple[str, dict[str, Any]]], passphrase: Callable[[], bytes]
) -> Iterator[dict[str, Any] | Fault]:
    driver = home.open_driver(passphrase())
    try:
        desk = Desk(driver, running=False)
        for operation, arguments in requests:
            try:
                yield _perform(home, driver, desk, operation, arguments)
            except StoreFault:
                raise
            except Fault as fault:
                yield fault
    finally:
        driver.close()


def _perform(home: Home, driver: Driver, desk: Desk, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One operation in this process. Raises Fault; after a StoreFault the driver is dead."""
    if not desk.writes(operation):
        return desk.read(operation, arguments)
    home.require_room()
    act = desk.act(operation, arguments)
    outcome = driver.take_turn([act], now_ms())
    for source, fault in outcome.refused:
        if source is act:
            raise fault
    return desk.answer(*outcome.done[0], running=False)
