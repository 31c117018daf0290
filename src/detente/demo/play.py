"""Playing a scenario on the stage: steps in order, and for each what the stations themselves then show.

It keeps: nothing is narrated that was not read back from a station or its store; a fact that does not hold ends the play
as failed. Scenario files say who says what; they state no outcome.
"""

import base64
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

from detente.demo.stage import Stage
from detente.errors import BearerFault, LocalMisuse
from detente.records.log import NOT_FOR_US
from detente.verify.audit import audit

SCENARIOS = ("abu-dhabi", "two-rivers")
ABOVE_HELD = ("held", "acknowledged", "answered")


@dataclass(frozen=True, slots=True)
class Told:
    """One narrated fact: what was done, and what the stations show of it."""

    step: str
    fact: str


def load(name: str) -> dict[str, Any]:
    """A scenario by name. Raises LocalMisuse."""
    if name not in SCENARIOS:
        raise LocalMisuse(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    found: dict[str, Any] = tomllib.loads(files("detente.demo").joinpath(f"scenarios/{name}.toml").read_text("utf-8"))
    return found


class Play:
    """One scenario on its stage. `run` yields each fact when it has been read back; `verify` is the last act."""

    def __init__(self, scenario: dict[str, Any], stage: Stage) -> None:
        self._scenario = scenario
        self._stage = stage
        self._acts: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
            "start": self._start,
            "say": self._say,
            "amend": self._amend,
            "renew": self._renew,
            "unread": self._unread,
            "cut": self._cut,
            "mend": self._mend,
            "kill": self._kill,
            "backup": self._backup,
            "restore": self._restore,
        }
        self._last: dict[str, str] = {}  # channel key -> the newest record told

    @property
    def steps(self) -> int:
        """How many steps there are, the founding and the verification among them."""
        return len(self._scenario["step"]) + 2

    def run(self) -> Iterator[Told]:
        """Play all steps. Raises Fault if a fact does not hold."""
        yield Told("found", self._found())
        for step in self._scenario["step"]:
            for fact in self._acts[step["do"]](step):
                yield Told(step["do"], fact)

    def verify(self) -> Iterator[Told]:
        """With every station stopped: each HOME is audited as a stranger would, and all copies of a book are compared."""
        heads: dict[str, dict[str, dict[int, str]]] = {}
        for party in self._stage.homes:
            for channel in self._stage.ask(party, "status")["channels"]:
                answer = self._stage.ask(party, "evidence", channel=channel["channel"], entry=None, reveal=False)
                report = audit(base64.b64decode(answer["bundle"]))
                if not report.sound:
                    finding = report.findings[0]
                    raise BearerFault(
                        f"the record of {party} is NOT SOUND: {finding.rule} at {finding.place}: {finding.text}"
                    )
                for book in channel["books"]:
                    heads.setdefault(book["origin"], {}).setdefault(party, {})[book["head"]] = book["root"]
                entries = sum(book["size"] for book in channel["books"])
                yield Told(
                    "verify",
                    f"{party}: {channel['channel']}: SOUND, {entries} entries in {len(channel['books'])} books",
                )
        for origin, copies in heads.items():
            sizes = {size for copy in copies.values() for size in copy}
            if len({root for copy in copies.values() for root in copy.values()}) != len(sizes):
                raise BearerFault(f"the copies of {origin} do not agree")
        yield Told("verify", f"the copies of {len(heads)} books agree wherever they are equally long")

    def tamper(self, party: str) -> str:
        """Flip one bit of one body in a store, as a test of the verification."""
        path = self._stage.homes[party].store_path
        with sqlite3.connect(path) as connection:
            key, body = connection.execute("SELECT id, body FROM bodies ORDER BY id DESC LIMIT 1").fetchone()
            flipped = bytes([body[0] ^ 1]) + body[1:]
            connection.execute("UPDATE bodies SET body = ? WHERE id = ?", (flipped, key))
        connection.close()
        return f"one bit of a body in the store of {party} is flipped"

    # --- steps

    def _found(self) -> str:
        for party in self._scenario["party"]:
            self._stage.make_station(party["id"], party["role"], party["name"])
        self._stage.lay_wires()
        for channel in self._scenario["channel"]:
            self._stage.found(channel["key"], channel["title"], channel["parties"])
        charters = len(self._stage.channels)
        signed = "1 charter" if charters == 1 else f"{charters} charters"
        return f"{len(self._stage.homes)} stations, {signed} signed and joined, EXERCISE"

    def _start(self, _step: dict[str, Any]) -> Iterator[str]:
        for party in self._stage.homes:
            self._stage.start(party)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._stage.wait_running, self._stage.homes))
        for key, name in self._stage.channels.items():
            parties = [item.split(":")[0] for item in self._parties(key)]
            for party in parties:
                self._stage.until(
                    partial(self._holds_openings, party, name, len(parties)),
                    f"{party} holds the openings of all books of {name}",
                )
            yield f"{key}: the line is up between {', '.join(parties)}; each holds the others' openings"

    def _parties(self, key: str) -> list[str]:
        found: list[str] = next(c["parties"] for c in self._scenario["channel"] if c["key"] == key)
        return found

    def _channel_status(self, party: str, name: str) -> dict[str, Any]:
        channels = self._stage.ask(party, "status")["channels"]
        found: dict[str, Any] = next(channel for channel in channels if channel["channel"] == name)
        return found

    def _holds_openings(self, party: str, name: str, count: int) -> bool:
        held = [book for book in self._channel_status(party, name)["books"] if book["size"] > 0]
        return len(held) >= count

    def _say(self, step: dict[str, Any]) -> Iterator[str]:
        key, sender = step["channel"], step["from"]
        name = self._stage.channels[key]
        answer = self._stage.ask(
            sender, "send", channel=name, to=step["to"], info=step.get("info", []), text=step["text"],
            precedence=step.get("precedence", "routine"), lang=step.get("lang", "en"), exercise=True,
        )  # fmt: skip
        ref = answer["entries"][0]
        self._last[key] = ref
        word = step.get("precedence", "routine").upper()
        yield f"{ref} {word} {sender} to {', '.join(step['to'])}: {self._entry(sender, name, ref)['text']}"
        if "while_down" in step:
            rung = self._rung(sender, name, ref, step["while_down"])
            yield f"{ref}: {rung} for {step['while_down']}, whose station is down; it is started again"
            self._stage.start(step["while_down"])
            self._stage.wait_running(step["while_down"])
        for party in step["to"]:
            yield self._held(sender, name, ref, party)
        if "carried_by" in step:
            yield self._carried(sender, name, ref, step["to"][0])
        if "acknowledge" in step:
            self._stage.ask(step["to"][0], "acknowledge", channel=name, entry=ref, by=step["acknowledge"])
            self._wait_rung(sender, name, ref, step["to"][0], ("acknowledged", "answered"))
            yield f"{ref}: acknowledged by {step['to'][0]} ({step['acknowledge']}); that is not agreement"
        if "answer" in step:
            self._stage.ask(
                step["to"][0], "send", channel=name, to=[sender], text=step["answer"], re=[ref], lang="en",
                precedence=step.get("precedence", "routine"), exercise=True,
            )  # fmt: skip
            self._wait_rung(sender, name, ref, step["to"][0], ("answered",))
            reply = next(e for e in self._log(sender, name) if ref in e["re"] and e["form"] == "message")
            yield f"{reply['ref']} answers {ref}: {reply['text']}"

    def _carried(self, sender: str, name: str, ref: str, receiver: str) -> str:
        """With the direct link down, who else holds the entry and so can have carried it."""
        links = {station["party"]: station["link"] for station in self._channel_status(sender, name)["stations"]}
        if links[receiver] != "down":
            raise BearerFault(f"{sender} has a direct link to {receiver}")
        third = [party for party in links if party != receiver and self._holds(party, name, ref)]
        if not third:
            raise BearerFault(f"no third station holds {ref}")
        return f"{ref}: the direct link is down; it came by way of a third station ({' and '.join(third)} hold it)"

    def _held(self, sender: str, name: str, ref: str, party: str) -> str:
        if f"{party}:mediator" in self._parties(next(k for k, v in self._stage.channels.items() if v == name)):
            self._stage.until(partial(self._holds, party, name, ref), f"{party} holds {ref}")
            return f"{ref}: {party} has it; it gives no receipts, for a mediator is no compelled witness"
        self._wait_rung(sender, name, ref, party, ABOVE_HELD)
        return f"{ref}: held by {party}, {self._receipt(sender, name, ref, party)}"

    def _amend(self, step: dict[str, Any]) -> Iterator[str]:
        key = step["channel"]
        name = self._stage.channels[key]
        number = self._stage.amend(key, step["clause"])
        for item in self._parties(key):
            party = item.split(":")[0]
            self._stage.until(
                partial(self._has_adopted, party, name, number),
                f"{party} has adopted charter {number}",
            )
        yield f"{key}: charter number {number} is signed by all and adopted in every book"

    def _renew(self, step: dict[str, Any]) -> Iterator[str]:
        name = self._stage.channels[step["channel"]]
        for party in step["parties"]:
            ref = self._stage.ask(party, "renew_keys", channel=name)["entries"][0]
            others = [other for other in step["parties"] if other != party]
            for other in others:
                self._stage.until(
                    partial(self._holds, other, name, ref),
                    f"{other} holds the new key of {party}",
                )
            yield f"{party} has a new key ({ref}); {', '.join(others)} will seal to it"

    def _unread(self, step: dict[str, Any]) -> Iterator[str]:
        key, party = step["channel"], step["by"]
        name = self._stage.channels[key]
        self._stage.until(partial(self._holds, party, name, self._last[key]), f"{party} holds {self._last[key]}")
        sealed = [entry for entry in self._log(party, name) if entry["kind"] == "sealed"]
        readable = [entry for entry in sealed if entry["unreadable"] != NOT_FOR_US]
        if readable:
            raise BearerFault(f"{party} can read {readable[0]['ref']}, which is not for it")
        yield f"{party} holds {len(sealed)} sealed entries and can read none of them"

    def _cut(self, step: dict[str, Any]) -> Iterator[str]:
        a, b = step["between"]
        self._stage.cut(a, b)
        self._wait_link(a, b, "down")
        yield f"the direct line between {a} and {b} is cut; {a} shows the link as down"

    def _mend(self, step: dict[str, Any]) -> Iterator[str]:
        a, b = step["between"]
        self._stage.mend(a, b)
        self._wait_link(a, b, "up")
        yield f"the direct line between {a} and {b} is mended; {a} shows the link as up"

    def _kill(self, step: dict[str, Any]) -> Iterator[str]:
        self._stage.kill(step["party"])
        yield f"the station of {step['party']} is ended with kill -9"

    def _backup(self, step: dict[str, Any]) -> Iterator[str]:
        party = step["party"]
        made = self._stage.backup(party)
        entries = sum(book.size for book in made.books)
        yield f"{party}: backup of its running station, encrypted, read back: {entries} entries verified to their signed heads"

    def _restore(self, step: dict[str, Any]) -> Iterator[str]:
        """An old backup is put back: the next book opens, what was told since comes back, and nothing forks."""
        key, party = step["channel"], step["party"]
        name = self._stage.channels[key]
        held = self._readable(party, name)
        self._stage.kill(party)
        done = self._stage.restore(party)
        one = next(prospect for prospect in done.prospects if prospect.channel == name)
        yield f"{party}: its old backup is put back; {one.missing} entries of its book {one.book} were told since"
        self._stage.start(party)
        self._stage.wait_running(party)
        opening = f"{party}.{one.next_book}/0"
        for other in self._parties(key):
            reader = other.split(":")[0]
            self._stage.until(partial(self._holds, reader, name, opening), f"{reader} holds {opening}", 30.0)
        reason = self._entry(party, name, opening)["fields"]["reason"]
        yield f"{party}: book {one.next_book} is open by its note signed ahead ({opening}, {reason}); all hold it"
        self._stage.until(
            lambda: self._readable(party, name).items() >= held.items(),
            f"{party} reads all {len(held)} messages again",
            30.0,
        )
        if any(channel["findings"] for channel in self._stage.ask(party, "status")["channels"]):
            raise BearerFault(f"{party} has findings after its restore")
        yield f"{party}: the others gave back what was lost; all {len(held)} messages are readable, nothing forked"

    # --- reading back

    def _readable(self, party: str, name: str) -> dict[str, str]:
        return {entry["ref"]: entry["text"] for entry in self._log(party, name) if entry["form"] == "message"}

    def _wait_link(self, a: str, b: str, state: str) -> None:
        def holds() -> bool:
            channels = self._stage.ask(a, "status")["channels"]
            return all(s["link"] == state for c in channels for s in c["stations"] if s["party"] == b)

        self._stage.until(holds, f"{a} shows its link to {b} as {state}", 40.0)

    def _log(self, party: str, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._stage.ask(party, "log", channel=name)["entries"]
        return found

    def _holds(self, party: str, name: str, ref: str) -> bool:
        return any(entry["ref"] == ref for entry in self._log(party, name))

    def _has_adopted(self, party: str, name: str, number: int) -> bool:
        adopted = [e for e in self._log(party, name) if e["kind"] == "adopt" and e["party"] == party]
        return any(entry["fields"]["number"] == number for entry in adopted)

    def _entry(self, party: str, name: str, ref: str) -> dict[str, Any]:
        return next(entry for entry in self._log(party, name) if entry["ref"] == ref)

    def _ladder(self, party: str, name: str, ref: str, addressee: str) -> dict[str, Any]:
        ladders = self._entry(party, name, ref)["ladder"]
        found: dict[str, Any] = next(ladder for ladder in ladders if ladder["party"] == addressee)
        return found

    def _rung(self, party: str, name: str, ref: str, addressee: str) -> str:
        return str(self._ladder(party, name, ref, addressee)["rung"])

    def _wait_rung(self, party: str, name: str, ref: str, addressee: str, rungs: tuple[str, ...]) -> None:
        self._stage.until(
            lambda: self._rung(party, name, ref, addressee) in rungs, f"{ref} is {rungs[0]} by {addressee}", 30.0
        )

    def _receipt(self, party: str, name: str, ref: str, addressee: str) -> str:
        """What proves it: the receipt's size, or the entry whose `seen` counts it."""
        proof = self._ladder(party, name, ref, addressee)["proofs"][0]
        return f"receipt at size {proof['size']}" if "size" in proof else f"counted by its own {proof['entry']}"
