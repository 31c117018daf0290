"""Playing one party's messages of a correspondence on a running EXERCISE channel, each after those that come before it.

It keeps: nothing is sent before every earlier message that is for us has arrived here, so each station that plays its
own party from the same file makes the order of the file the order of the books; and nothing is sent twice, because the
place to go on from is read in the books: each message carries, signed, the file's digest and its number.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from detente.demo.correspondence import Correspondence, Planned
from detente.errors import BearerFault, LocalMisuse
from detente.ids import PartyId
from detente.records.ladder import Rung
from detente.station.home import Home
from detente.station.local import ask, ask_many
from detente.station.runtime import now_ms

LOOK_SECONDS = (0.02, 0.5)  # between two looks: at first, and at most
RECEIPT_SECONDS_MAX = 10.0  # to wait for proofs at the end; parties that give none do not hold up a drill
SENT_AT_ONCE_MAX = 200  # messages of ours in a row, handed over before the answer to the first is awaited
ABOVE_SENT = (Rung.HELD.value, Rung.ACKNOWLEDGED.value, Rung.ANSWERED.value)


@dataclass(frozen=True, slots=True)
class Played:
    """A message that is in the books here. `what`: sent, arrived, or `not for us` (then there is no entry to see)."""

    planned: Planned
    what: str
    ref: str = ""
    before: bool = False  # it was there when this run began


@dataclass(slots=True)
class _Place:
    """Where a message stands in the books; `parts` are those of READ-5 that have come, of `wanted`."""

    ref: str = ""
    held_at: int = 0
    wanted: int = 1
    parts: set[int] = field(default_factory=set)

    @property
    def is_whole(self) -> bool:
        return len(self.parts) == self.wanted


class Replay:
    """One run. `speed`: 1 is the pace of the file, 60 an hour in a minute, None no pauses. `patience` in seconds."""

    def __init__(
        self,
        home: Home,
        passphrase: Callable[[], bytes],
        channel: str,
        *,
        repeat: int = 1,
        speed: float | None = None,
        patience: float = 60.0,
    ) -> None:
        self._home = home
        self._passphrase = passphrase
        self._repeat = repeat
        self._speed = speed
        self._patience = patience
        self._digest = ""
        self._messages: tuple[Planned, ...] = ()
        self._senders: dict[int, PartyId] = {}
        self._places: dict[int, _Place] = {}
        self._other_files: set[str] = set()  # parties whose newest message is of another file
        self._is_playing = False
        self._after = 0  # the arrival number up to which the books have been read
        self.on_wait: Callable[[str], None] = lambda _what: None  # told what is waited for
        self.party = PartyId(home.config.party)
        self.channel: str = self._ask("open_channel", channel=channel)["channel"]
        facts = self._facts()
        self.mode: str = facts["mode"]
        self.parties = tuple(dict.fromkeys([self.party, *(PartyId(one["party"]) for one in facts["stations"])]))
        if self.mode != "EXERCISE":
            raise LocalMisuse(
                f"the channel {self.channel} is {self.mode}: a replay is an exercise and is refused on it; found an "
                "EXERCISE channel for it (`detente charter draft --mode exercise`)",
                rule="CHARTER-2",
            )

    def take(self, correspondence: Correspondence, planned: tuple[Planned, ...]) -> list[Played]:
        """What is to be played, and what of it the books hold already."""
        self._digest = correspondence.digest
        self._messages = planned
        self._senders = {one.number: one.sender for one in planned}
        self._read_books()
        return [Played(one, self._what(one), self._ref(one), before=True) for one in planned if self._is_there(one)]

    def run(self) -> Iterator[Played]:
        """Play what was not in the books when it was taken. Raises Fault; a later run goes on from there."""
        if not self._ask("status")["running"]:
            raise LocalMisuse(f"no station runs in {self._home.path}; start it: detente run {self._home.path}")
        self._is_playing = True
        coming = [one for one in self._messages if not self._is_there(one)]
        while coming:
            planned = coming.pop(0)
            if planned.sender == self.party:
                self._sleep_until(planned)
                ours = [planned]
                while coming and self._follows_at_once(coming[0]) and len(ours) < SENT_AT_ONCE_MAX:
                    ours.append(coming.pop(0))
                yield from self._send(ours)
            else:
                if self.party in planned.to:
                    self._await(planned)
                yield Played(planned, self._what(planned), self._ref(planned))

    def count_held(self) -> tuple[int, int]:
        """How many of our messages every addressee is proven to hold (LADDER-3), of how many, after a short wait."""
        self._read_books()
        ours = {self._ref(one) for one in self._messages if one.sender == self.party}
        end = time.monotonic() + min(RECEIPT_SECONDS_MAX, self._patience)
        while True:
            entries = [one for one in self._ask("log", channel=self.channel)["entries"] if one["ref"] in ours]
            held = sum(all(ladder["rung"] in ABOVE_SENT for ladder in one["ladder"]) for one in entries)
            if held == len(ours) or time.monotonic() > end:
                return held, len(ours)
            time.sleep(LOOK_SECONDS[1])

    def pause_before(self, planned: Planned) -> float:
        """The seconds that this message waits after the latest time that stands before it in the file."""
        if self._speed is None or planned.moment is None:
            return 0.0
        earlier = [one.moment for one in self._messages[: planned.number - 1] if one.moment is not None]
        latest = max(earlier, default=planned.moment)  # a date without an hour may lie before the message above it
        return max(0.0, planned.moment - latest) / self._speed

    def future_of(self, planned: Planned) -> str:
        """What is to come of a message that is not in the books."""
        return {"sent": "to send", "arrived": "awaited"}.get(self._what(planned), self._what(planned))

    # --- sending

    def _follows_at_once(self, planned: Planned) -> bool:
        return planned.sender == self.party and not self.pause_before(planned)

    def _send(self, ours: list[Planned]) -> Iterator[Played]:
        requests = [("send", self._arguments(one)) for one in ours]
        for planned, answer in zip(ours, ask_many(self._home, requests, self._passphrase), strict=True):
            yield Played(planned, "sent", answer["entries"][0])

    def _arguments(self, planned: Planned) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "replay": self._digest,
            "repeat": self._repeat,
            "number": planned.number,
            "messages": len(self._messages),
        }
        if planned.time is not None:
            fields["time"] = planned.time
        return {
            "form": "message",
            "channel": self.channel,
            "to": list(planned.to),
            "precedence": planned.precedence,
            "lang": planned.language,
            "text": planned.text,
            "fields": fields,
            "exercise": True,
        }

    def _sleep_until(self, planned: Planned) -> None:
        """The pace of the file, counted from when the message before came to be held here: no two clocks are compared."""
        pause = self.pause_before(planned)
        self._read_books()
        before = [one.held_at for number, one in self._places.items() if number < planned.number]
        left = pause - (now_ms() - max(before)) / 1_000 if pause and before else 0.0
        if left > 0:
            self.on_wait(f"message {planned.number} in {left:.0f} s")
            time.sleep(min(left, pause))

    # --- waiting

    def _await(self, planned: Planned) -> None:
        """Look at the books until the message is there. Raises BearerFault that says who is silent."""
        patience = self._patience + self.pause_before(planned)
        self.on_wait(f"waiting for {planned.sender}")
        end = time.monotonic() + patience
        delay, longest = LOOK_SECONDS
        while not self._is_there(planned):
            if self._read_books():
                end = time.monotonic() + patience  # whoever still writes is not silent
                delay = LOOK_SECONDS[0]
                continue
            if time.monotonic() > end:
                raise BearerFault(self._silence(planned, patience))
            time.sleep(delay)
            delay = min(longest, delay * 1.5)

    def _silence(self, planned: Planned, patience: float) -> str:
        links = [one for one in self._facts()["stations"] if one["party"] == planned.sender]
        if all(one["link"] != "up" for one in links):
            why = f"the link to {planned.sender} is down"
        elif planned.sender in self._other_files:
            why = f"the last that {planned.sender} played was another file, or another --repeat"
        else:
            why = f"the link is up; is `detente replay` running at {planned.sender} with the same file?"
        return (
            f"{planned.sender} is silent: message {planned.number} of {len(self._messages)} has not arrived within "
            f"{patience:g} s ({why}). The same command goes on from here"
        )

    # --- looking

    def _what(self, planned: Planned) -> str:
        if planned.sender == self.party:
            return "sent"
        return "arrived" if self.party in planned.to else "not for us"

    def _ref(self, planned: Planned) -> str:
        return self._places[planned.number].ref if planned.number in self._places else ""

    def _is_there(self, planned: Planned) -> bool:
        return planned.number in self._places and self._places[planned.number].is_whole

    def _read_books(self) -> bool:
        """Find our correspondence in what is new: by digest, repeat, number and whose book it is. Whether there was any.

        Raises BearerFault if the station has stopped meanwhile.
        """
        answer = self._ask("arrivals", channel=self.channel, after=self._after)
        if self._is_playing and not answer["running"]:
            raise BearerFault("the station has stopped; start it, and the same command goes on from here")
        grown = bool(answer["after"] > self._after)
        self._after = answer["after"]
        for entry in answer["entries"]:
            fields = entry["fields"] or {}
            if entry["form"] != "message" or "replay" not in fields:
                continue
            if (fields["replay"], fields.get("repeat")) != (self._digest, self._repeat):
                self._other_files.add(entry["party"])
                continue
            self._other_files.discard(entry["party"])
            number = fields.get("number")
            if isinstance(number, int) and self._senders.get(number) == entry["party"]:
                place = self._places.setdefault(number, _Place())
                part, place.wanted = entry["part"] or (1, 1)
                place.parts.add(part)
                place.ref = entry["ref"] if part == 1 else place.ref
                place.held_at = max(place.held_at, entry["held_at"])
        return grown

    def _facts(self) -> dict[str, Any]:
        """The state of the channel."""
        channels = self._ask("status")["channels"]
        found: dict[str, Any] = next(one for one in channels if one["channel"] == self.channel)
        return found

    def _ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        return ask(self._home, operation, arguments, self._passphrase)
