"""The local socket as a running station serves it: order, bounds, and requests that are none. Over a real socket."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from detente.errors import LocalMisuse
from detente.limits import LOCAL_REQUESTS_UNDER_WAY_MAX
from detente.station import local_server
from detente.station.local_server import Answer, LocalConnection

Give = Callable[[Answer], None]


class Office:
    """Performs `say` at once, `later` when it is told to, and refuses `never`."""

    def __init__(self) -> None:
        self.asked = 0
        self._more = asyncio.Event()
        self.waiting: list[Give] = []

    async def asked_for(self, count: int) -> None:
        """Wait until so many requests have come."""
        while self.asked < count:
            self._more.clear()
            await self._more.wait()

    def perform(self, operation: str, arguments: dict[str, Any], give: Give) -> None:
        """Begin one operation."""
        self.asked += 1
        self._more.set()
        if operation == "later":
            self.waiting.append(give)
        elif operation == "never":
            give(LocalMisuse("it is never done", rule="READ-4"))
        else:
            give({"said": arguments})


async def _write_for_ever(writer: asyncio.StreamWriter, octets: bytes) -> None:
    while True:
        writer.write(octets)
        await writer.drain()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Office], Awaitable[None]]


def talk(folder: Path, client: Talk) -> None:
    """One client of one server, to the end of `client`."""

    async def both() -> None:
        office = Office()
        path = str(folder / "socket")
        served: list[LocalConnection] = []

        def serve() -> LocalConnection:
            served.append(LocalConnection(office.perform))
            return served[-1]

        server = await asyncio.get_running_loop().create_unix_server(serve, path)
        reader, writer = await asyncio.open_unix_connection(path, limit=local_server.REQUEST_OCTETS_MAX)
        try:
            async with asyncio.timeout(30):
                await client(reader, writer, office)
        finally:
            server.close()
            writer.transport.abort()
            for connection in served:
                if connection._transport is not None:  # it waits for room, and does not see that the client is gone
                    connection._transport.abort()
            await asyncio.sleep(0)

    asyncio.run(both())


def line(operation: str, **arguments: object) -> bytes:
    """One request."""
    return json.dumps({"operation": operation, "arguments": arguments}).encode() + b"\n"


async def answer(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next answer."""
    found: dict[str, Any] = json.loads(await reader.readline())
    return found


def test_answers_come_in_the_order_asked(tmp_path: Path) -> None:
    """What is ready early waits for what was asked before it."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, office: Office) -> None:
        writer.write(line("later") + line("say", n=1) + line("never") + line("say", text="\u0434\u0430"))
        await office.asked_for(4)
        office.waiting[0]({"done": True})
        assert await answer(reader) == {"answer": {"done": True}}
        assert await answer(reader) == {"answer": {"said": {"n": 1}}}
        assert (await answer(reader))["fault"] == {"code": "local-misuse", "rule": "READ-4", "text": "it is never done"}
        assert await answer(reader) == {"answer": {"said": {"text": "\u0434\u0430"}}}

    talk(tmp_path, client)


def test_a_client_may_ask_all_it_may_before_it_reads_anything(tmp_path: Path) -> None:
    """As many requests as may be under way, with long answers: neither side waits for the other for ever."""
    count = LOCAL_REQUESTS_UNDER_WAY_MAX

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, office: Office) -> None:
        for number in range(count):
            writer.write(line("say", number=number, text="x" * 500))
            await writer.drain()
        assert office.asked > count // 2
        for number in range(count):
            assert (await answer(reader))["answer"]["said"]["number"] == number

    talk(tmp_path, client)


def test_no_more_is_read_than_may_be_under_way(tmp_path: Path) -> None:
    """A client that asks for ever and reads nothing fills its own side, not the station."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, office: Office) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_write_for_ever(writer, line("later") * 100), 1)
        # what one reading from the socket brings is begun together
        assert (
            LOCAL_REQUESTS_UNDER_WAY_MAX <= office.asked <= LOCAL_REQUESTS_UNDER_WAY_MAX + 262_144 // len(line("later"))
        )
        before = office.asked
        for give in list(office.waiting):
            give({})
        for _ in range(before):
            await answer(reader)
        await office.asked_for(before + 1)  # there is room again

    talk(tmp_path, client)


@pytest.mark.parametrize(
    "wrong", [b"x\n", b"{}\n", b"[1]\n", b'{"operation": 1}\n', b'{"operation": "say", "arguments": 2}\n']
)
def test_what_is_no_request_is_answered_as_such(tmp_path: Path, wrong: bytes) -> None:
    """The next request is served all the same."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, office: Office) -> None:
        writer.write(wrong + line("say"))
        assert "JSON object" in (await answer(reader))["fault"]["text"]
        assert await answer(reader) == {"answer": {"said": {}}}
        assert office.asked == 1

    talk(tmp_path, client)


def test_what_was_asked_is_answered_after_the_client_has_closed_its_side(tmp_path: Path) -> None:
    """And then the station closes, too."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, office: Office) -> None:
        writer.write(line("later") + line("say"))
        writer.write_eof()
        await office.asked_for(2)
        office.waiting[0]({})
        assert await answer(reader) == {"answer": {}}
        assert await answer(reader) == {"answer": {"said": {}}}
        assert await reader.read() == b""

    talk(tmp_path, client)


def test_a_line_without_end_is_not_kept(tmp_path: Path) -> None:
    """Beyond the maximum of a request the station hangs up."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, office: Office) -> None:
        with pytest.raises(ConnectionError):
            await _write_for_ever(writer, b"x" * 65_536)
        assert office.asked == 0
        del reader

    talk(tmp_path, client)
