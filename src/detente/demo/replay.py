"""Playing one party's messages of a correspondence on a running EXERCISE channel, each after those that come before it.

It keeps: nothing is sent before every earlier message that is for us has arrived here, so each station that plays its
own party from the same file makes the order of the file the order of the books; and nothing is sent twice, because the
place to go on from is read in the books: each message carries, signed, the file's digest and its number.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Place:
    ref: str
    held_at: int
    is_held: bool  # proven, by every addressee


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
        self._places: dict[int, _Place] = {}
        self._other_files: set[str] = set()  # parties whose newest message is of another file
        self._sizes: dict[str, tuple[int, int]] = {}
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
        self._read_books()
        return [
            Played(one, self._what(one), self._places[one.number].ref, before=True)
            for one in planned
            if one.number in self._places
        ]

    def run(self) -> Iterator[Played]:
        """Play what is not yet in the books. Raises Fault; a later run goes on from there."""
        if not self._status()["running"]:
            raise LocalMisuse(f"no station runs in {self._home.path}; start it: detente run {self._home.path}")
        at = 0
        while at < len(self._messages):
            planned = self._messages[at]
            if planned.number in self._places:
                at += 1
            elif planned.sender == self.party:
                self._sleep_until(planned)
                ours = self._ours_at_once(at)
                yield from self._send(ours)
                at += len(ours)
            else:
                if self.party in planned.to:
                    self._await(planned)
                yield Played(planned, self._what(planned), self._ref(planned))
                at += 1

    def count_held(self) -> tuple[int, int]:
        """How many of our messages every addressee is proven to hold, of how many, after a short wait."""
        ours = [one.number for one in self._messages if one.sender == self.party]
        end = time.monotonic() + min(RECEIPT_SECONDS_MAX, self._patience)
        while True:
            self._read_books()
            held = sum(1 for number in ours if number in self._places and self._places[number].is_held)
            if held == len(ours) or time.monotonic() > end:
                return held, len(ours)
            time.sleep(LOOK_SECONDS[1] / 2)

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

    def _ours_at_once(self, at: int) -> list[Planned]:
        """Our message at this place, and those of ours that follow it at once."""
        ours = [self._messages[at]]
        for one in self._messages[at + 1 : at + SENT_AT_ONCE_MAX]:
            if one.sender != self.party or one.number in self._places or self.pause_before(one):
                break
            ours.append(one)
        return ours

    def _send(self, ours: list[Planned]) -> Iterator[Played]:
        requests = [("send", self._arguments(one)) for one in ours]
        for planned, answer in zip(ours, ask_many(self._home, requests, self._passphrase), strict=True):
            self._places[planned.number] = _Place(answer["entries"][0], now_ms(), is_held=False)
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
        while planned.number not in self._places:
            if self._has_grown():
                self._read_books()
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

    def _read_books(self) -> None:
        """Find our correspondence in the log: by digest, repeat, number and whose book it is."""
        senders = {one.number: one.sender for one in self._messages}
        self._other_files.clear()
        for entry in self._ask("log", channel=self.channel)["entries"]:
            fields = entry["fields"] or {}
            if entry["form"] != "message" or "replay" not in fields:
                continue
            if (fields["replay"], fields.get("repeat")) != (self._digest, self._repeat):
                self._other_files.add(entry["party"])
                continue
            self._other_files.discard(entry["party"])
            number = fields.get("number")
            is_whole = entry["part"] is None or entry["whole"] is not None
            if is_whole and isinstance(number, int) and senders.get(number) == entry["party"]:
                is_held = all(ladder["rung"] in ABOVE_SENT for ladder in entry["ladder"])
                self._places[number] = _Place(entry["ref"], entry["held_at"], is_held)

    def _has_grown(self) -> bool:
        """Whether any book holds more than when this was last asked. Raises BearerFault if the station has stopped."""
        status = self._status()
        if not status["running"]:
            raise BearerFault("the station stopped; start it, and the same command goes on from here")
        sizes = {one["origin"]: (one["size"], one["above_gaps"]) for one in self._channel_in(status)["books"]}
        grown = sizes != self._sizes
        self._sizes = sizes
        return grown

    def _facts(self) -> dict[str, Any]:
        return self._channel_in(self._status())

    def _channel_in(self, status: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in status["channels"] if one["channel"] == self.channel)
        return found

    def _status(self) -> dict[str, Any]:
        return self._ask("status")

    def _ask(self, operation: str, **arguments: object) -> dict[str, Any]:
        return ask(self._home, operation, arguments, self._passphrase)
