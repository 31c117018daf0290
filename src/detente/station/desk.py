"""The desk: what officers and the command line ask of a station, as named operations over a driver.

An operation that writes gives acts for the next turn and, after its commit, an answer; one that reads answers from the
books. The same operations serve a running station and a HOME that nobody runs (`local.py`). All values are JSON.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from detente.errors import LocalMisuse
from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.formats.secrets import SECRETS_FORM
from detente.ids import PartyId, Ref, parse_ref
from detente.protocol.channel import Channel
from detente.protocol.events import Event, OpenBook, RenewKeys, Say, TakeNote
from detente.station.board import status_of
from detente.station.courier import brought, courier_frames, courier_plan, handed
from detente.station.driver import Driver, FromOffice
from detente.station.evidence import bundle_of
from detente.station.reading import arrivals_of, log_of
from detente.station.requests import check_arguments

Arguments = Mapping[str, Any]
Answer = dict[str, Any]
PRECEDENCES = {precedence.name.lower(): precedence for precedence in Precedence}


class Desk:
    """Operations by name. `acts` for those that write, `read` for those that only look."""

    def __init__(self, driver: Driver, *, running: bool) -> None:
        self.driver = driver
        self._running = running
        self._writing: dict[str, Callable[[Channel, Arguments], Event]] = {
            "send": self._send,
            "acknowledge": self._acknowledge,
            "renew_keys": lambda _channel, _arguments: RenewKeys(),
            "take_note": lambda _channel, arguments: TakeNote(_octets(arguments)),
            "courier_frame": lambda _channel, arguments: brought(_octets(arguments)),
            "courier_handed": handed,
            "open_book": lambda _channel, arguments: OpenBook(str(arguments.get("reason", "restored"))),
        }
        self._reading: dict[str, Callable[[Arguments], Answer]] = {
            "log": self._log,
            "arrivals": self._arrivals,
            "status": self._status,
            "evidence": self._evidence,
            "open_channel": self._open_channel,
            "courier_plan": self._courier_plan,
            "courier_frames": lambda arguments: courier_frames(self.channel(arguments), arguments),
        }

    def writes(self, operation: str) -> bool:
        """Whether an operation writes. Raises LocalMisuse for one that does not exist."""
        if operation not in self._writing and operation not in self._reading:
            raise LocalMisuse(f"a station has no operation {operation!r}")
        return operation in self._writing

    def act(self, operation: str, arguments: Arguments) -> FromOffice:
        """The act for the next turn. Raises LocalMisuse."""
        check_arguments(operation, arguments)
        channel = self.channel(arguments)
        return FromOffice(channel.roster.channel, self._writing[operation](channel, arguments))

    @staticmethod
    def answer(act: FromOffice, refs: list[Ref], *, running: bool) -> Answer:
        """What to say after the commit of an act."""
        return {"channel": act.channel, "entries": [str(ref) for ref in refs], "running": running}

    def read(self, operation: str, arguments: Arguments) -> Answer:
        """Answer an operation that only looks. Raises Fault."""
        check_arguments(operation, arguments)
        return self._reading[operation](arguments)

    def channel(self, arguments: Arguments) -> Channel:
        """The channel meant: its name, or any beginning of it that fits one only."""
        wanted = str(arguments.get("channel") or "")
        if wanted in self.driver.channels:
            return self.driver.channels[wanted]
        names = [name for name in self.driver.channels if name.startswith(wanted)]
        if len(names) != 1:
            known = ", ".join(self.driver.channels) or "none"
            problem = "fits several channels" if names else "is no channel of this station"
            raise LocalMisuse(f"{wanted or 'no name'} {problem}; joined here: {known}")
        return self.driver.channels[names[0]]

    # --- writing

    def _send(self, channel: Channel, arguments: Arguments) -> Event:
        charter = channel.roster.newest.charter
        exercise = bool(arguments.get("exercise"))
        if exercise != (charter.mode == "EXERCISE"):
            raise LocalMisuse(
                f"the channel {charter.channel} is {charter.mode}: "
                + ("--exercise is refused on it" if exercise else "say --exercise to send on it"),
                rule="CHARTER-2",
            )
        to = _parties(arguments.get("to"))
        info = _parties(arguments.get("info"))
        if not to:
            raise LocalMisuse("a message needs an addressee: --to PARTY")
        refs = tuple(self._known_ref(channel, text) for text in arguments.get("re") or ())
        content = Content(
            form=str(arguments.get("form") or "message"),
            to=to,
            info=info,
            by=arguments.get("by"),
            lang=arguments.get("lang"),
            text=arguments.get("text"),
            re=refs,
            fields=arguments.get("fields"),
        )
        if content.form in (SECRETS_FORM, "status"):
            raise LocalMisuse(f"only the station itself writes {content.form!r}", rule="EPOCH-7")
        if content.form == "message" and (not content.text or content.text.isspace()):
            raise LocalMisuse("a message needs a text: --text FILE or --message TEXT", rule="READ-4")
        return Say(content, _precedence(arguments), (*to, *info))

    def _acknowledge(self, channel: Channel, arguments: Arguments) -> Event:
        ref = self._known_ref(channel, str(arguments.get("entry") or ""))
        by = str(arguments.get("by") or "")
        if not by:
            raise LocalMisuse(
                "say in which function you acknowledge: --by FUNCTION, never a person's name", rule="READ-4"
            )
        if ref.party == channel.us.party:
            raise LocalMisuse(f"{ref} is our own; the others acknowledge it")
        content = Content(form="acknowledge", to=(ref.party,), by=by, re=(ref,))
        return Say(content, Precedence.PRIORITY, (ref.party,))

    def _known_ref(self, channel: Channel, text: str) -> Ref:
        ref = parse_ref(text)
        for book in channel.ledger.books.values():
            if (book.party, book.number) == ref[:2] and (ref.index < book.size or ref.index in book.far_entries):
                return ref
        raise LocalMisuse(f"there is no entry {ref} in this channel here; `detente log` lists them")

    # --- reading

    def _log(self, arguments: Arguments) -> Answer:
        return log_of(self.driver, self.channel(arguments), arguments.get("limit"))

    def _arrivals(self, arguments: Arguments) -> Answer:
        answer = arrivals_of(self.driver, self.channel(arguments), arguments.get("after") or 0)
        return {**answer, "running": self._running}

    def _status(self, _arguments: Arguments) -> Answer:
        return status_of(self.driver, running=self._running)

    def _evidence(self, arguments: Arguments) -> Answer:
        channel = self.channel(arguments)
        entry = self._known_ref(channel, arguments["entry"]) if arguments.get("entry") else None
        octets = bundle_of(channel, entry, reveal=bool(arguments.get("reveal")))
        return {"channel": channel.roster.channel, "bundle": base64.b64encode(octets).decode()}

    def _courier_plan(self, arguments: Arguments) -> Answer:
        channels = [self.channel(arguments)] if arguments.get("channel") else list(self.driver.channels.values())
        (to,) = arguments.get("to") or ("",)
        return courier_plan(channels, to)

    def _open_channel(self, arguments: Arguments) -> Answer:
        return {"channel": self.channel(arguments).roster.channel}


def _parties(value: object) -> tuple[PartyId, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise LocalMisuse("addressees are a list of party ids")
    return tuple(dict.fromkeys(PartyId(str(one)) for one in value))


def _octets(arguments: Arguments) -> bytes:
    try:
        return base64.b64decode(arguments.get("octets") or "", validate=True)
    except ValueError as error:
        raise LocalMisuse("`octets` is a signed note in base64") from error


def _precedence(arguments: Arguments) -> Precedence:
    word = str(arguments.get("precedence") or "routine").lower()
    if word not in PRECEDENCES:
        raise LocalMisuse(f"{word!r} is no precedence; there are {', '.join(PRECEDENCES)}", rule="BOOK-6")
    return PRECEDENCES[word]
