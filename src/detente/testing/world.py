"""The world: stations of one channel, one seed, virtual time, and every fault at once; then healing, and all must agree.

    run_seed(7)        # raises Broken, or whatever the program under test raised; returns what happened in figures

It keeps: all chance comes from one random.Random(seed), time is a number that only `life.py` and this file move, and nothing
depends on the order of sets or on hashes; so a seed is one run, for ever. The honest stations are the real drivers; what they
release is judged in `invariants.py` by what `observer.py` saw.
"""

from collections.abc import Callable
from contextlib import nullcontext

from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.formats.frame import Entries, ReceiptFrame, decode_frame
from detente.ids import Milliseconds
from detente.protocol.events import Say, TakeNote
from detente.station.driver import FromOffice
from detente.testing import convergence, invariants
from detente.testing.keyed_hash import keyed_hash
from detente.testing.life import Life, pair_of
from detente.testing.observer import Broken
from detente.testing.plan import BIRTH, Figures

STEPS = 2_000
REAL_CRYPTO_EVERY = 20
ROUND_MS = 250
ROUNDS_TO_REST_MAX = 3_000
QUIET_MS = 45_000  # nothing repeats itself after a longer pause than this


class World(Life):
    """One run: a life, and then healing."""

    def run(self) -> Figures:
        """All steps, healing, and what must hold at the end. Raises Broken."""
        weights = self._weights()
        actions, shares = list(weights), list(weights.values())
        for step in range(STEPS):
            self.figures.steps = step + 1
            (action,) = self.chance.choices(actions, shares)
            self._pass_time()
            action()
        self._heal()
        self.figures.simulated_ms = self.now - BIRTH
        self.figures.checks = self.seen.checks_count
        self.figures.entries = sum(len(held) for s in self.seen.honest.values() for held in s.disk.entries.values())
        return self.figures

    # --- healing

    def _heal(self) -> None:
        """Faults end, hostile parties stop inventing, everybody is connected; then invariants 3, 6 and 8 to 11."""
        self.say("healing")
        self.healing = True
        self.network.heal()
        self.disks.heal()
        self.bad_links.clear()
        for actor in self.actors:
            if actor.hostile is not None:
                actor.hostile.calm = True
        honest = [actor for actor in self.actors if actor.hostile is None]
        for actor in honest:
            self._crash(actor, "healing")
        for actor in self.actors:
            if not actor.up:
                self._start(actor)
        for octets in self.amendments:
            self._turn(honest[0], [FromOffice(self.channel, TakeNote(octets))])
        self._come_to_rest()
        for actor in honest:  # a false count is plain once that party has spoken again (ORDER-3)
            act = Say(Content(form="message", to=(), text="all is well", lang="en"), Precedence.ROUTINE, ())
            self._turn(actor, [FromOffice(self.channel, act)])
        self._come_to_rest()
        for actor in honest:
            log = self._show_at(actor)
            convergence.nothing_honest_waits(self.seen, actor.name, log)
            invariants.receipted_bytes_stay(self.seen, actor.name)
            invariants.a_restart_changes_nothing(self.seen, actor.name, actor.station.running)
        convergence.receipts_came_back(self.seen)
        convergence.forks_are_proved(self.seen)
        convergence.all_converge(self.seen)
        convergence.equal_pages(self.seen)
        invariants.views_broken_by_forks_only(self.seen)

    def _come_to_rest(self) -> None:
        """11: without new acts all traffic stops, and does not begin again by itself."""
        quiet_since = self.now
        for _ in range(ROUNDS_TO_REST_MAX):
            self._relink()
            moved = self._round()
            if moved:
                quiet_since = self.now
            elif self.now - quiet_since > QUIET_MS:
                break
            self.now = Milliseconds(self.now + (ROUND_MS if self.now - quiet_since < 5_000 else 5_000))
        else:
            raise Broken(11, "the stations go on talking without anything new")
        for _ in range(6):
            self.now = Milliseconds(self.now + 3_600_000)
            if self._round():
                raise Broken(11, "the stations begin to talk again without anything new")

    def _relink(self) -> None:
        """Everybody is connected. A link to a hostile party that was ended three times stays ended."""
        for at, a in enumerate(self.actors):
            for b in self.actors[at + 1 :]:
                linked = any(
                    self.network.is_open(one.name, twin.name)
                    for one, other in ((a, b), (b, a))
                    for twin in self.actors
                    if twin.station.link_name == other.station.link_name
                )
                bad = (a.hostile or b.hostile) and self.bad_links.get(pair_of(a, b), 0) >= 3
                if not linked and not bad:
                    self._open_link(a, b)

    def _round(self) -> bool:
        """Everything that is under way arrives; who has slept long enough wakes. Whether an honest station said anything

        but answers to a hostile one, which may ask for ever.
        """
        moved = False
        for a, b in self.network.due(Milliseconds(self.now + 2_000)):
            if self.network.is_open(a, b):
                frames = self.network.take((a, b), Milliseconds(self.now + 2_000), 1_000)
                sender, receiver = self._actor(a), self._actor(b)
                if sender.hostile is None:
                    answers = (Entries, ReceiptFrame) if receiver.hostile else ()
                    moved = moved or not all(isinstance(decode_frame(octets), answers) for octets in frames)
                self._bring(sender, receiver, frames)
        for actor in list(self.actors):
            self._turn(actor, [])
            self._pump(actor)
        return moved


def run_seed(seed: int, trace: Callable[[str], None] | None = None) -> Figures:
    """One seed. Every twentieth runs on the real cryptography, the others on a keyed hash."""
    with nullcontext() if seed % REAL_CRYPTO_EVERY == 0 else keyed_hash():
        return World(seed, trace).run()


if __name__ == "__main__":
    from detente.testing.tally import main

    raise SystemExit(main())
