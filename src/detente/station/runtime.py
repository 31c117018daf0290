"""A running station: links, the local socket, and one engine that takes turns. The only place where all of them meet.

It keeps: the engine is one thread that owns driver and store; whatever arrives while a turn is being committed waits and
becomes the next turn, so commits grow with the load (HEAD-3) and nothing is ever told before its turn is durable.
"""

import asyncio
import contextlib
import gc
import random
import signal
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Never, TypeVar

import structlog

from detente.bearers.dialogue import Settings
from detente.bearers.link import Link
from detente.bearers.redial import Redialler, parse_address
from detente.bearers.serial_line import URGENT_OCTETS_MAX, Device, SerialLine
from detente.bearers.tls import Identity, TlsBearer
from detente.crypto.certificates import certificate_fingerprint
from detente.errors import BearerFault, Fault, InternalFault, LocalMisuse, PeerViolation, StoreFault
from detente.ids import Milliseconds
from detente.limits import LINK_UNSENT_OCTETS_MAX, TURN_ACTS_MAX, TURN_FRAMES_MAX
from detente.station.desk import Desk
from detente.station.driver import Driver, FromLink, FromOffice, Input, Outcome, link_name
from detente.station.home import Home
from detente.station.local_server import Answer, LocalConnection

GARBAGE_VALUES = 50_000  # new values between two looks for garbage that refers to itself
WAIT_SECONDS_MAX = 1.0  # for something that is due at a time of our clock: it may be set back meanwhile
OWN_FAULT_SECONDS = 5.0  # how soon a station that may not dial by its own clock looks again
REOPEN_SECONDS = 2.0  # after a store fault the station reopens its files this often until it can

log = structlog.get_logger()
T = TypeVar("T")
AnyLink = Link | SerialLine
Read = tuple[str, dict[str, Any], Callable[[Answer], None]]  # operation, arguments, and who wants the answer


def now_ms() -> Milliseconds:
    """Our clock."""
    return Milliseconds(time.time_ns() // 1_000_000)


class Runtime:
    """One station, running. `serve` returns when it was asked to stop."""

    def __init__(self, home: Home, passphrase: bytes) -> None:
        self._home = home
        self._passphrase = passphrase
        self._driver: Driver | None = None
        self._desk: Desk | None = None  # over that driver
        self._fault: Fault | None = None  # why the store cannot be used just now
        self._inputs: deque[Input] = deque()
        self._waiting: dict[int, Callable[[Answer], None]] = {}  # by the id of the act in `_inputs`, or under way
        self._reads: deque[Read] = deque()
        self._work = asyncio.Event()
        self._stop = asyncio.Event()
        self._engine = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._bearer: TlsBearer | None = None
        self._links: dict[str, AnyLink] = {}
        self._since: dict[str, int] = {}  # by link: when it came up, or went down
        self._serial: dict[str, SerialLine] = {}  # by device
        self._tasks: set[asyncio.Task[Any]] = set()
        self._dialling: set[str] = set()
        self._failed_calls: dict[tuple[str, object], str] = {}  # by station and address: why the last came to nothing
        self._arrived_room = asyncio.Event()
        self.port = 0

    # --- the life of the station

    async def serve(self, on_ready: Callable[["Runtime"], None] | None = None) -> None:
        """Run until SIGTERM, SIGINT or the operation `stop`. Raises Fault if it cannot start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await self._open_driver()
        certificate, key = self._home.tls_identity(self._passphrase)
        self._bearer = TlsBearer(
            Identity(certificate, key),
            {},
            on_frames=self._on_frames,
            on_open=self._on_open,
            on_closed=self._on_closed,
            on_refused=lambda address, fault: log.warning("refused a connection", address=address, why=str(fault)),
        )
        self._trust()
        server = None
        try:
            for address in self._home.config.listen:
                host, _, port = address.rpartition(":")
                self.port = await self._bearer.listen(host.strip("[]"), int(port))
            server = await self._open_socket()
            self._dial_all()
            self._open_lines()
            turns = asyncio.create_task(self._turns())
            if on_ready is not None:
                on_ready(self)
            await self._until_stopped(turns)
        finally:
            await self._close(server)

    async def _until_stopped(self, turns: asyncio.Task[None]) -> None:
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({turns, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if turns.done():
            turns.result()
        turns.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await turns

    async def _close(self, server: asyncio.Server | None) -> None:
        for task in self._tasks:
            task.cancel()
        if server is not None:
            server.close()
            self._home.socket_path.unlink(missing_ok=True)
        if self._bearer is not None:
            await self._bearer.close()
        driver = self._driver
        if driver is not None:
            await self._in_engine(driver.close)
        self._engine.shutdown()

    async def _in_engine(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._engine, job)

    async def _open_driver(self) -> None:
        self._driver = await self._in_engine(lambda: self._home.open_driver(self._passphrase))
        self._desk = Desk(self._driver, running=True)

    # --- turns

    async def _turns(self) -> None:
        """Take turns for ever: what has arrived, in one turn; then give every link what is due."""
        wake = self._driver.wake if self._driver is not None else None
        while True:
            await self._wait_for_work(wake)
            batch, reads = self._next_batch()
            driver = self._driver
            if driver is None:
                await self._reopen(batch, reads)
                continue
            try:
                outcome, answers, frames = await self._in_engine(partial(self._engine_turn, driver, batch, reads))
            except StoreFault as fault:
                await self._fail_turn(driver, batch, reads, fault)
                continue
            wake = driver.wake
            for link, octets, urgent in frames:
                self._give(link, octets, urgent=urgent)
            self._tell(outcome, answers)
            if outcome.new_notes:
                self._trust()
                self._dial_all()
                self._open_lines()

    def _engine_turn(
        self, driver: Driver, batch: list[Input], reads: list[Read]
    ) -> tuple[Outcome, list[tuple[Read, Answer]], list[tuple[str, list[bytes], bool]]]:
        """In the engine thread: one turn, then what to send, then answers to those who only look."""
        outcome = driver.take_turn(batch, now_ms())
        frames = [(name, *due) for name, link in list(self._links.items()) for due in _due(driver, name, link)]
        desk = Desk(driver, running=True)
        answers: list[tuple[Read, Answer]] = []
        for read in reads:
            try:
                answers.append((read, desk.read(*read[:2])))
            except Fault as fault:
                answers.append((read, fault))
        return outcome, answers, frames

    async def _wait_for_work(self, wake: Milliseconds | None) -> None:
        if self._inputs or self._reads:
            return
        self._work.clear()
        delay = None if wake is None else min(max(0.0, (wake - now_ms()) / 1_000), WAIT_SECONDS_MAX)
        if self._driver is None:
            delay = REOPEN_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._work.wait()

    def _next_batch(self) -> tuple[list[Input], list[Read]]:
        batch: list[Input] = []
        frames = acts = 0
        while self._inputs and frames < TURN_FRAMES_MAX and acts < TURN_ACTS_MAX:
            one = self._inputs.popleft()
            frames += isinstance(one, FromLink)
            acts += isinstance(one, FromOffice)
            batch.append(one)
        reads = list(self._reads)
        self._reads.clear()
        self._arrived_room.set()
        return batch, reads

    def _tell(self, outcome: Outcome, answers: list[tuple[Read, Answer]]) -> None:
        for act, refs in outcome.done:
            give = self._waiting.pop(id(act), None)
            if give is not None:
                give(Desk.answer(act, refs, running=True))
        for source, fault in outcome.refused:
            if isinstance(source, FromOffice):
                self._fail_act(source, fault)
            elif isinstance(fault, PeerViolation):
                self._refuse_link(source.link, fault)
        for (operation, _, give), answer in answers:
            if operation == "status" and not isinstance(answer, Fault):
                answer = self._with_links(answer)  # noqa: PLW2901 - the same answer, completed
            give(answer)

    def _refuse_link(self, name: str, fault: Fault) -> None:
        link = self._links.get(name)
        if link is not None:
            log.warning("ended a link for a bad frame", peer=link.who, why=str(fault))
            link.close(str(fault))

    async def _fail_turn(self, driver: Driver, batch: list[Input], reads: list[Read], fault: StoreFault) -> None:
        """STORE-2: nothing of the turn is told; reopen and see what is there. Those who asked are told that it failed."""
        log.error("the store failed", why=str(fault))
        self._fault = fault
        self._driver = self._desk = None
        await self._in_engine(driver.close)
        self._fail_asked(batch, reads, fault)
        for link in list(self._links.values()):
            link.close("the store failed")

    def _fail_asked(self, batch: list[Input], reads: list[Read], fault: Fault) -> None:
        """Whoever asked for something, or only looked, is told why there is no answer."""
        for _, _, give in reads:
            give(fault)
        for one in batch:
            if isinstance(one, FromOffice):
                self._fail_act(one, fault)

    def _fail_act(self, act: FromOffice, fault: Fault) -> None:
        give = self._waiting.pop(id(act), None)
        if give is not None:
            give(fault)

    async def _reopen(self, batch: list[Input], reads: list[Read]) -> None:
        """Open the store again, if that can be done by now."""
        self._fail_asked(batch, reads, self._fault or StoreFault("the store is being reopened; try again"))
        for one in batch:
            if isinstance(one, FromLink) and one.octets is None and not one.gone:
                link = self._links.get(one.link)
                if link is not None:
                    link.close("the store failed")
        try:
            await self._open_driver()
        except Fault as problem:
            self._fault = problem
            await asyncio.sleep(REOPEN_SECONDS)
            return
        log.info("the store is open again")
        self._fault = None

    # --- links

    def _trust(self) -> None:
        if self._bearer is None or self._driver is None:
            return
        for fingerprint, (name, certificate) in self._driver.stations().items():
            del fingerprint
            with contextlib.suppress(LocalMisuse):  # the same station under another name in another channel
                self._bearer.trust(name, certificate)

    def _dial_all(self) -> None:
        """Keep a link to every station that has an address, unless one exists; either side may dial."""
        if self._driver is None or self._bearer is None:
            return
        for name, addresses in self._driver.addresses().items():
            known = self._home.config.dial.get(name)
            wanted = [parse_address(known if "://" in known else f"tls://{known}")] if known else []
            wanted = wanted or [parse_address(address) for address in addresses if address.startswith("tls://")]
            if wanted and name not in self._dialling:
                self._dialling.add(name)
                on_failed = partial(self._tell_failed_call, name)
                self._keep(
                    self._redial(name, Redialler(self._bearer, name, wanted, chance=random.random, on_failed=on_failed))
                )

    async def _redial(self, name: str, redialler: Redialler) -> Never:
        """Dial for ever. What only this side can mend (its clock, its certificate) may be mended while it runs."""
        while True:
            try:
                await redialler.run()
            except LocalMisuse as fault:
                self._tell_failed_call(name, None, fault)
            await asyncio.sleep(OWN_FAULT_SECONDS)

    def _tell_failed_call(self, name: str, address: tuple[str, int] | None, fault: Fault) -> None:
        """Say why there is no link, once for each reason."""
        if self._failed_calls.get((name, address)) != fault.text:
            self._failed_calls[name, address] = fault.text
            log.warning("no link", peer=name, why=str(fault))

    def _open_lines(self) -> None:
        """Keep every serial line whose station a charter names by now."""
        if self._driver is None or self._bearer is None:
            return
        places = {name: fingerprint for fingerprint, (name, _) in self._driver.stations().items()}
        for config in self._home.config.serial:
            if config.peer in places and config.device not in self._serial:
                settings = Settings(
                    config.speed,
                    config.duplex == "half",
                    config.turnaround_ms / 1_000,
                    first=certificate_fingerprint(self._bearer.certificate).hex() < places[config.peer],
                )
                line = SerialLine(
                    link_name(places[config.peer], f"serial:{config.device}"),
                    config.peer,
                    Device(config.device, settings),
                    on_open=self._on_open,
                    on_frames=self._on_frames,
                    on_closed=self._on_closed,
                    on_failed=partial(self._tell_failed_call, config.peer, None),
                    monotonic=time.monotonic,
                )
                self._serial[config.device] = line
                self._keep(line.run())

    def _keep(self, coroutine: Coroutine[object, object, object]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_open(self, link: AnyLink) -> None:
        name = link.name
        if name in self._links:
            self._inputs.append(FromLink(name, gone=True))
        self._links[name] = link
        self._since[name] = now_ms()
        self._failed_calls = {call: why for call, why in self._failed_calls.items() if call[0] != link.peer}
        log.info("link up", peer=link.peer, by=link.description)
        self._put(FromLink(name))

    def _on_closed(self, link: AnyLink, fault: Fault | None) -> None:
        name = link.name
        if self._links.get(name) is not link:
            return
        del self._links[name]
        self._since[name] = now_ms()
        log.info("link down", peer=link.peer, by=link.description, why=str(fault) if fault else link.close_reason)
        self._put(FromLink(name, gone=True))

    async def _on_frames(self, link: AnyLink, frames: list[bytes]) -> None:
        name = link.name
        if self._links.get(name) is not link:
            return
        for octets in frames:
            self._inputs.append(FromLink(name, octets))
        self._work.set()
        while len(self._inputs) > 4 * TURN_FRAMES_MAX:
            self._arrived_room.clear()
            await self._arrived_room.wait()

    def _put(self, one: Input) -> None:
        self._inputs.append(one)
        self._work.set()

    def _give(self, name: str, frames: list[bytes], *, urgent: bool) -> None:
        link = self._links.get(name)
        if link is None or not link.is_open:
            return
        try:
            if isinstance(link, SerialLine):
                link.send_many(frames, urgent=urgent)
            else:
                link.send_many(frames)
        except BearerFault:
            return
        if isinstance(link, SerialLine) or link.unsent_octets > LINK_UNSENT_OCTETS_MAX // 4:
            self._keep(self._when_drained(link))
        else:
            self._work.set()

    async def _when_drained(self, link: AnyLink) -> None:
        with contextlib.suppress(BearerFault):
            await link.drained()
        self._work.set()

    # --- the local socket

    async def _open_socket(self) -> asyncio.Server:
        path = self._home.socket_path
        path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: LocalConnection(self.begin), str(path))
        path.chmod(0o600)
        return server

    def begin(self, operation: str, arguments: dict[str, Any], give: Callable[[Answer], None]) -> None:
        """Begin one operation of the desk; `give` is called once with its answer, or with the Fault that refused it."""
        desk = self._desk
        try:
            if operation == "stop":
                self._stop.set()
                give({})
            elif desk is None:
                give(self._fault or StoreFault("the store is being reopened; try again"))
            elif desk.writes(operation):
                self._home.require_room()
                act = desk.act(operation, arguments)
                self._waiting[id(act)] = give
                self._put(act)
            else:
                self._reads.append((operation, arguments, give))
                self._work.set()
        except Fault as fault:
            give(fault)
        except (KeyError, TypeError, ValueError) as error:
            give(InternalFault(f"the request was not foreseen: {error!r}. This is a bug of Detente, please report it"))

    async def perform(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """One operation of the desk, after the turn that it takes. Raises Fault."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.begin(operation, arguments, lambda answer: None if future.done() else future.set_result(answer))
        answer = await future
        if isinstance(answer, Fault):
            raise answer
        return answer

    def _with_links(self, status: dict[str, Any]) -> dict[str, Any]:
        """The state of every bearer to every station, which only the runtime knows; the best one first."""
        for channel in status["channels"]:
            for station in channel["stations"]:
                name = f"{station['party']}/{station['station']}"
                tls = station["certificate"]
                names = [tls] if tls in self._since or name in self._dialling else []
                names += [line.name for line in self._serial.values() if line.peer == name]
                bearers = [self._state_of(one) for one in names]
                bearers.sort(key=lambda one: one["state"] != "up")
                station["bearers"] = bearers
                if bearers:
                    station["link"], station["since"] = bearers[0]["state"], bearers[0]["since"]
                    station["description"] = bearers[0]["description"]
        return status

    def _state_of(self, name: str) -> dict[str, Any]:
        link = self._links.get(name)
        serial = next((line for line in self._serial.values() if line.name == name), None)
        return {
            "bearer": name.partition("/")[2] or "tls",
            "state": "up" if link is not None and link.is_open else "down",
            "since": self._since.get(name),
            "description": link.description if link is not None else serial.description if serial is not None else "",
        }


def _due(driver: Driver, name: str, link: AnyLink) -> list[tuple[list[bytes], bool]]:
    """What to give to a link now, and whether it may go ahead of what the link still has to send."""
    found = []
    if isinstance(link, SerialLine):
        if link.wants_urgent:
            found.append((driver.frames_for(name, now_ms(), URGENT_OCTETS_MAX, urgent=True), True))
        if link.wants_bulk:
            found.append((driver.frames_for(name, now_ms(), 1), False))
    elif (room := LINK_UNSENT_OCTETS_MAX // 2 - link.unsent_octets) > 0:
        found.append((driver.frames_for(name, now_ms(), room), False))
    return [(frames, urgent) for frames, urgent in found if frames]


def run(home: Home, passphrase: bytes, on_ready: Callable[[Runtime], None] | None = None) -> None:
    """Run the station of this HOME until it is told to stop. Raises Fault if it cannot."""
    # A turn makes thousands of values that live until its end, and next to no cycles: looking for those after every 700
    # new values, as is usual, would take a tenth of the time.
    gc.freeze()
    gc.set_threshold(GARBAGE_VALUES, 10, 10)
    with home.lock():
        asyncio.run(Runtime(home, passphrase).serve(on_ready))
