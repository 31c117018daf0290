"""Stations are killed with SIGKILL at random moments of bursts, again and again, on one and the same books.

It keeps, of everything that a station told (a record number; a receipt, on which the rung `held` rests; a head):
nothing told is lost, nothing is there twice, nothing is forked, and both stations come to hold the same.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from detente.errors import BearerFault, LocalMisuse
from tests.faults.ground import Ground, message

BURST_MESSAGES = 2_000  # of both parties together
KILLED_WITHIN_SECONDS = 0.9  # after the burst begins: until it has been carried; most kills come while it is written
KILLED_AGAIN = 0.25  # how often a station is killed once more while it starts


@dataclass
class Told:
    """What the stations have said so far."""

    texts: dict[str, str] = field(default_factory=dict)  # record number -> text
    heads: dict[tuple[str, int], str] = field(default_factory=dict)  # (origin, size) -> root, in hexadecimal
    receipts: dict[tuple[str, str], int] = field(default_factory=dict)  # (origin, by) -> size
    kills: int = 0

    def take_books(self, books: dict[str, dict[str, Any]]) -> None:
        """What `detente status` has shown; it may contradict nothing that was shown before."""
        for origin, book in books.items():
            if book["head"]:
                known = self.heads.setdefault((origin, book["head"]), book["root"])
                assert known == book["root"], f"two histories of {origin} at {book['head']}"
            if book["ours"]:
                for receipt in book["receipts"]:
                    place = origin, receipt["party"]
                    before = self.receipts.get(place, 0)
                    assert receipt["size"] >= before, f"{place}: shown held to {before}, then to {receipt['size']}"
                    self.receipts[place] = receipt["size"]


class Asker(threading.Thread):
    """Somebody who asks one station until it ends."""

    def __init__(self, ground: Ground, party: str, told: Told) -> None:
        super().__init__(daemon=True)
        self._ground, self._party, self._told = ground, party, told
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Ask; the end of the station is no failure."""
        try:
            self.ask()
        except (BearerFault, LocalMisuse):
            pass  # the station was killed under us, and we were told so
        except BaseException as failure:  # noqa: BLE001 - raised again by `finish`
            self._failure = failure

    def ask(self) -> None:
        """What is asked."""

    def finish(self) -> None:
        """Wait for the end. Raises what went wrong."""
        self.join(60)
        assert not self.is_alive(), "somebody was neither answered nor told that the station stopped"
        if self._failure is not None:
            raise self._failure


class Burst(Asker):
    """Half of a burst: one party's messages, sent ahead of their answers as fast as its station takes them."""

    def __init__(self, ground: Ground, party: str, told: Told, texts: list[str]) -> None:
        super().__init__(ground, party, told)
        self._texts = texts

    def ask(self) -> None:
        """Note each answer."""
        to = "bravo" if self._party == "alfa" else "alfa"
        answers = self._ground.ask_all(self._party, [message(to, text) for text in self._texts])
        for text, answer in zip(self._texts, answers, strict=True):
            (ref,) = answer["entries"]
            self._told.texts[ref] = text


class Watch(Asker):
    """Somebody who looks at `detente status` while the burst lasts."""

    def ask(self) -> None:
        """Look again and again."""
        end = time.monotonic() + KILLED_WITHIN_SECONDS
        while time.monotonic() < end:
            self._told.take_books(self._ground.books(self._party))


def kill_rounds(ground: Ground, rounds: int, seed: int, say: Callable[[str], None] = lambda _line: None) -> Told:
    """Play rounds of one seed on two stations that have met. Raises AssertionError at the first breach."""
    chance, told = Random(seed), Told()
    for number in range(rounds):
        play_round(ground, chance, told, f"{seed}.{number}", with_command=number % 5 == 0)
        say(f"round {number + 1} of {rounds}: {told.kills} kills, {len(told.texts):,} messages told")
    check(ground, told)
    return told


def play_round(ground: Ground, chance: Random, told: Told, name: str, *, with_command: bool) -> None:
    """One burst in both directions, kills in its midst, and recovery."""
    half = BURST_MESSAGES // 2
    bursts = [
        Burst(ground, party, told, [f"{name} {party} {number}" for number in range(half)]) for party in ground.homes
    ]
    command = Command(ground, f"{name} command") if with_command else None
    for burst in bursts:
        burst.start()
    watches = [Watch(ground, party, told) for party in ground.homes]
    for watch in watches:
        watch.start()
    victims = chance.choice((["alfa"], ["bravo"], ["alfa", "bravo"], ["alfa", "bravo"]))
    time.sleep(KILLED_WITHIN_SECONDS * chance.random() ** 2)
    for victim in victims:
        ground.kill(victim)
        told.kills += 1
    for victim in victims:
        while chance.random() < KILLED_AGAIN:
            ground.start(victim)
            time.sleep(chance.uniform(0.3, 1.2))
            ground.kill(victim)
            told.kills += 1
    for thread in (*bursts, *watches):
        thread.finish()
    if command is not None:
        command.finish(told)
    ground.run(*victims)
    ground.settle()
    for party in ground.homes:
        told.take_books(ground.books(party))


class Command:
    """`detente send` as a person uses it, while the station is killed under it."""

    def __init__(self, ground: Ground, text: str) -> None:
        self._text = text
        words = ["send", str(ground.homes["alfa"].path), "--to", "bravo", "--precedence", "flash", "--exercise"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "detente", *words, "--message", text, "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def finish(self, told: Told) -> None:
        """What it printed counts as told; if it could not send, it said so in one line."""
        output, errors = self._process.communicate(timeout=60)
        answer = json.loads(output)
        if self._process.returncode == 0:
            (ref,) = answer["entries"]
            told.texts[ref] = self._text
        else:
            assert set(answer["error"]) == {"code", "rule", "text", "exit_status"}, output
            assert not errors


def check(ground: Ground, told: Told) -> None:
    """Everything told is in both stores, once, as it was told, in one history."""
    for party in ground.homes:
        texts = ground.texts(party)
        lost = {ref: text for ref, text in told.texts.items() if texts.get(ref) != text}
        assert not lost, f"{party} has lost {len(lost)} entries, such as {next(iter(lost.items()))}"
        assert len(set(texts.values())) == len(texts), f"{party} shows a message twice"
        found = ground.roots(party, told.heads)
        forked = [place for place, root in told.heads.items() if found[place].hex() != root]
        assert not forked, f"{party} holds another history than was shown at {forked[:3]}"
        for entry in ground.log(party).values():
            if entry["party"] == party and entry["form"] == "message":
                assert entry["ladder"][0]["rung"] == "held", entry
        assert not ground.ask(party, "status")["channels"][0]["findings"], f"{party} accuses somebody"
    assert len(ground.books("alfa")) == 2, "a book was given up although nothing was lost"
