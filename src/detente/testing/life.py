"""The life of a world: what its stations do, step by step, and what befalls them.

It keeps: all chance comes from one random.Random(seed), and time is a number that only this file and `world.py` move. The
honest stations are the real drivers; what they release is judged in `invariants.py` by what `observer.py` saw.
"""

import random
from collections.abc import Callable

from detente.errors import Fault, LocalMisuse, PeerViolation, StoreFault
from detente.formats.charter import write_charter
from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.formats.frame import Entries, Hello, ReceiptFrame, Want, decode_frame
from detente.ids import Milliseconds, PartyId, Ref
from detente.protocol.effects import Work
from detente.protocol.events import Event, OpenBook, RenewKeys, Say, TakeNote
from detente.station.driver import FromLink, FromOffice, Input, Outcome
from detente.station.reading import log_of
from detente.testing import disks, invariants, network
from detente.testing.disks import Disks
from detente.testing.hostile import Hostile, twin_of
from detente.testing.line import Line, make_charter
from detente.testing.network import DAY_MS, Network
from detente.testing.observer import Broken, Seen
from detente.testing.plan import BIRTH, LOSSY, YEAR_MS, Actor, Figures, Plan, draw_plan
from detente.tlog.note import Note, format_note, note_digest, sign_note

NEEDS_WHAT_WENT_BEFORE = {"FRAME-1", "OPEN-3", "CHARTER-6"}  # a HELLO or NOTE that never came is nobody's fault


class Life:
    """One life. `trace` is called with a line for each thing that happens."""

    def __init__(self, seed: int, trace: Callable[[str], None] | None = None, plan: Plan | None = None) -> None:
        self.chance = random.Random(seed)
        drawn = draw_plan(self.chance)
        self.plan = plan or drawn
        self.now = BIRTH
        self.figures = Figures(seed)
        self._trace = trace
        self.network = Network(self.chance, self.plan.faults & set(network.FAULTS))
        self.disks = Disks(self.chance, self.plan.faults & set(disks.FAULTS))
        self.line = Line(self.plan.parties, f"world{seed}", books=4)
        self.channel = self.line.channel
        self.actors: list[Actor] = []
        self.charter = self.line.charter_value
        kinds = {party: kinds for party, _, _, kinds in self.plan.hostile}
        for place, (party, station) in enumerate(self.line.stations.items()):
            villain = Hostile(self.chance, kinds[party], party, place) if party in kinds else None
            self.actors.append(Actor(party, station, villain))
        honest = {actor.name: actor.station for actor in self.actors if actor.hostile is None}
        self.seen = Seen(self.channel, self.charter.parties, honest)
        self.healing = False
        self.bad_links: dict[tuple[str, str], int] = {}
        self.said: list[Ref] = []
        self.amendments: list[bytes] = []
        for actor in self.actors:
            if actor.hostile is None:
                actor.station.open_store = lambda disk, party=actor.name: self.disks.open_store(
                    disk, self._watch(party)
                )  # type: ignore[misc]
                actor.station.open_anchor = self.disks.open_anchor
            self._crash(actor, "begins")
            self._start(actor)

    def say(self, text: str) -> None:
        """A line of the trace."""
        if self._trace is not None:
            self._trace(f"{self.figures.steps:5} {self.now - BIRTH:>13} {text}")

    def _watch(self, party: str) -> Callable[[Work], None]:
        return lambda work: invariants.work_is_committed(self.seen, party, work)

    # --- the run

    def _weights(self) -> dict[Callable[[], None], int]:
        """How often each thing happens, of about 1,000 times."""
        faults = self.plan.faults
        weights: dict[Callable[[], None], int] = {
            self._deliver: 560,
            self._act: 190,
            self._wake: 60,
            self._connect: 60,
            self._show: 3,
            self._restart_one: 40,
            self._shadow: 3,
        }
        more = {
            "link flaps": (self._cut, 25),
            "one way": (self._one_way, 8),
            "crash": (self._crash_one, 12),
            "two processes": (self._run_twice, 4),
            "rollback": (self._roll_back, 3),
            "clocks": (self._set_clock, 4),
            "amendment": (self._amend, 3),
            "new book": (self._new_book, 2),
        }
        weights |= {action: weight for fault, (action, weight) in more.items() if fault in faults}
        if any("forking" in kinds for _, _, _, kinds in self.plan.hostile):
            weights[self._fork] = 6
        return weights

    def _pass_time(self) -> None:
        span = self.chance.choice((1, 5, 5, 20, 20, 20, 20, 100, 600))
        if self.chance.random() < 0.004:
            span = self.chance.choice((15_000, 60_000, 3_600_000, DAY_MS))
        self.now = Milliseconds(self.now + span)

    # --- what happens

    def _deliver(self) -> None:
        directions = self.network.due(self.now)
        if not directions:
            due = self.network.next_due()
            if due is None or due - self.now > 5_000:
                return
            self.now = Milliseconds(due)
            directions = self.network.due(self.now)
        a, b = self.chance.choice(directions)
        frames = self.network.take((a, b), self.now, self.chance.choice((1, 1, 2, 5, 20)))
        self._bring(self._actor(a), self._actor(b), frames)

    def _bring(self, sender: Actor, receiver: Actor, frames: list[bytes]) -> None:
        if not receiver.up:
            return
        self.figures.frames += len(frames)
        if self._trace is not None:
            self.say(f"{sender.name} > {receiver.name}: {' '.join(_told(octets) for octets in frames)}")
        if receiver.hostile is not None:
            frames = [octets for octets in frames if receiver.hostile.lets_in(octets)]
        self._turn(receiver, [FromLink(sender.station.link_name, octets) for octets in frames])
        if self.healing or self.chance.random() < 0.9:
            self._pump(receiver)

    def _act(self) -> None:
        actor = self._any(lambda actor: actor.up)
        if actor is None:
            return
        flood = 30 if actor.hostile and "flooding" in actor.hostile.kinds and self.chance.random() < 0.1 else 1
        acts = [
            FromOffice(self.channel, self._event(actor))
            for _ in range(flood if flood > 1 else self.chance.choice((1, 1, 1, 3)))
        ]
        self._turn(actor, list(acts))
        if self.chance.random() < 0.8:
            self._pump(actor)

    def _event(self, actor: Actor) -> Event:
        kind = self.chance.random()
        others = [
            PartyId(one.id) for one in self.charter.parties if one.id != actor.station.party and one.role != "witness"
        ]
        to = tuple(sorted(self.chance.sample(others, self.chance.randrange(1, len(others) + 1)), key=others.index))
        precedence = self.chance.choice(list(Precedence))
        if kind < 0.02:
            return RenewKeys()
        if kind < 0.2 and self.said:
            read = self.chance.choice(self.said)
            return Say(Content(form="acknowledge", to=to, re=(read,), by="watch officer"), precedence, to)
        re = (self.chance.choice(self.said),) if self.said and kind < 0.35 else ()
        length = 30_000 if kind > 0.995 else self.chance.randrange(1, 200)
        text = f"{self.figures.steps} " + "word " * (length // 5)
        return Say(Content(form="message", to=to, text=text, lang="en", re=re), precedence, () if kind > 0.9 else to)

    def _wake(self) -> None:
        actor = self._any(lambda actor: actor.up)
        if actor is not None:
            self._turn(actor, [])
            self._pump(actor)

    def _turn(self, actor: Actor, inputs: list[Input]) -> None:
        """One turn of a station, and what an outsider sees of it."""
        driver = actor.station.driver
        if driver is None:
            return
        self.figures.turns += 1
        try:
            outcome = driver.take_turn(inputs, Milliseconds(self.now + actor.clock_ms))
        except StoreFault as fault:
            self._crash(actor, str(fault))
            return
        if actor.hostile is None:
            invariants.told_is_durable(self.seen, actor.name, outcome)
        self.said.extend(ref for act, refs in outcome.done for ref in refs if isinstance(act.event, Say))
        self._refused(actor, outcome)

    def _refused(self, actor: Actor, outcome: Outcome) -> None:
        for source, fault in outcome.refused:
            if isinstance(source, FromLink) and isinstance(fault, PeerViolation):
                for other in self.actors:
                    if other.station.link_name == source.link and self.network.is_open(actor.name, other.name):
                        self._refuse_link(actor, other, fault)
            elif not isinstance(fault, LocalMisuse | StoreFault | PeerViolation):
                raise fault

    def _refuse_link(self, actor: Actor, other: Actor, fault: Fault) -> None:
        self.figures.refusals += 1
        self.say(f"{actor.name} ends its link to {other.name}: {fault}")
        lossy = self.plan.faults & LOSSY and fault.rule in NEEDS_WHAT_WENT_BEFORE
        if actor.hostile is None and other.hostile is None and "damage" not in self.plan.faults and not lossy:
            raise Broken(8, f"{actor.name} refuses a frame of {other.name}: {fault}")
        pair = pair_of(actor, other)
        self.bad_links[pair] = self.bad_links.get(pair, 0) + 1
        self._cut_link(actor, other)

    def _pump(self, actor: Actor) -> None:
        """What a station has to say goes to its links."""
        driver = actor.station.driver
        if driver is None:
            return
        now = Milliseconds(self.now + actor.clock_ms)
        for other in self.actors:
            if not self.network.is_open(actor.name, other.name):
                continue
            room = self.chance.choice((1, 5_000, 100_000, 1_000_000))
            frames = driver.frames_for(other.station.link_name, now, room)
            if actor.hostile is None:
                for octets in frames:
                    invariants.frame_leaves(self.seen, actor.name, other.station.party, decode_frame(octets))
            else:
                frames = actor.hostile.sends(frames)
            self.network.send(actor.name, other.name, frames, self.now)

    # --- links

    def _connect(self) -> None:
        a, b = self.chance.sample(self.actors, 2)
        self._open_link(a, b)

    def _open_link(self, a: Actor, b: Actor) -> None:
        """Also in place of a link that stands: then both notice that the old one is gone."""
        if a.station.party == b.station.party or not (a.up and b.up):
            return
        for one, other in ((a, b), (b, a)):
            for twin in self.actors:  # a party has one link to a certificate, whichever machine stands behind it
                if twin.station.link_name == other.station.link_name and self.network.is_open(one.name, twin.name):
                    self._cut_link(one, twin)
        self.say(f"link {a.name} - {b.name}")
        self.network.open(a.name, b.name)
        for one, other in ((a, b), (b, a)):
            self._turn(one, [FromLink(other.station.link_name)])
            self._pump(one)

    def _cut(self) -> None:
        links = self.network.links()
        if links:
            a, b = self.chance.choice(links)
            self._cut_link(self._actor(a), self._actor(b))

    def _cut_link(self, a: Actor, b: Actor) -> None:
        self.say(f"cut {a.name} - {b.name}")
        self.network.cut(a.name, b.name)
        for one, other in ((a, b), (b, a)):
            self._turn(one, [FromLink(other.station.link_name, gone=True)])

    def _one_way(self) -> None:
        direction = self.network.turn_one_way()
        if direction is not None:
            self.say(f"one way: {direction[0]} to {direction[1]} changes")

    # --- machines

    def _crash_one(self) -> None:
        actor = self._any(lambda actor: actor.up)
        if actor is not None:
            self._crash(actor, "power")

    def _crash(self, actor: Actor, why: str) -> None:
        if not actor.up:
            return
        self.say(f"crash {actor.name}: {why}")
        self.figures.crashes += 1
        actor.station.driver = None
        for other in self.actors:
            if self.network.is_open(actor.name, other.name):
                self._cut_link(actor, other)

    def _restart_one(self) -> None:
        actor = self._any(lambda actor: not actor.up)
        if actor is not None:
            self._start(actor)

    def _start(self, actor: Actor) -> None:
        self.say(f"start {actor.name}")
        try:
            driver = actor.station.start()
        except StoreFault as fault:
            self.say(f"{actor.name} does not start: {fault}")
            return
        if actor.hostile is not None:
            actor.hostile.dress(driver)
            return
        invariants.receipted_bytes_stay(self.seen, actor.name)
        if "rollback" in self.plan.faults and len(actor.backups) < 5:
            actor.backups.append(actor.station.disk.copy())
        self._turn(actor, [])

    def _run_twice(self) -> None:
        """A process that was given up for dead writes once more, beside the one that took its place (STORE-1)."""
        actor = self._any(lambda actor: actor.hostile is None and actor.up)
        if actor is None:
            return
        late = actor.station.running
        self._crash(actor, "given up for dead")
        self._start(actor)
        self._turn(actor, [FromOffice(self.channel, self._event(actor))])
        act = FromOffice(self.channel, self._event(actor))
        self.say(f"the old process of {actor.name} takes a turn")
        try:
            outcome = late.take_turn([act], Milliseconds(self.now + actor.clock_ms))
        except StoreFault:
            return
        invariants.told_is_durable(self.seen, actor.name, outcome)

    def _roll_back(self) -> None:
        actor = self._any(lambda actor: actor.hostile is None and bool(actor.backups))
        if actor is None:
            return
        self._crash(actor, "its disk is replaced by an old copy")
        actor.station.disk = self.chance.choice(actor.backups).copy()
        self.seen.rolled_back(actor.name)

    def _set_clock(self) -> None:
        actor = self.chance.choice(self.actors)
        actor.clock_ms = self.chance.choice((0, 5_000, -90_000, DAY_MS, -400 * DAY_MS, 64 * YEAR_MS, -64 * YEAR_MS))
        self.say(f"the clock of {actor.name} is {actor.clock_ms} ms off")

    # --- papers

    def _amend(self) -> None:
        """The next charter, signed by all principals, comes to one station; the others hear of it from there."""
        if self.charter.number >= 4:
            return
        actor = self.chance.choice(self.actors)
        if not actor.up:
            return
        stations = list(self.line.stations.values())
        before = write_charter(self.charter)
        self.charter = make_charter(stations, self.channel, self.charter.number + 1, note_digest(before))
        text = write_charter(self.charter)
        signers = [station for station in stations if station.role == "principal"]
        octets = format_note(Note(text, tuple(sign_note(text, s.root, s.card.root.name) for s in signers)))
        self.say(f"amendment {self.charter.number} comes to {actor.name}")
        self.line.charter = octets
        self.amendments.append(octets)
        self._turn(actor, [FromOffice(self.channel, TakeNote(octets))])

    def _new_book(self) -> None:
        actor = self._any(lambda actor: actor.up)
        if actor is not None:
            self.say(f"{actor.name} opens its next book")
            self._turn(actor, [FromOffice(self.channel, OpenBook("key replaced"))])

    def _fork(self) -> None:
        """A forking party begins its second machine, which goes on from the disk of the first."""
        actor = self._any(lambda actor: actor.hostile is not None and "forking" in actor.hostile.kinds)
        if (
            actor is None
            or actor.hostile is None
            or any(other.name == f"{actor.name}'" for other in self.actors)
            or "'" in actor.name
        ):
            return
        twin = Actor(f"{actor.name}'", twin_of(actor.station), actor.hostile)
        self.say(f"{actor.name} begins a second history")
        self.actors.append(twin)
        self._start(twin)

    # --- looking

    def _show(self) -> None:
        actor = self._any(lambda actor: actor.hostile is None and actor.up)
        if actor is not None:
            self._show_at(actor)

    def _show_at(self, actor: Actor) -> dict[str, object]:
        driver = actor.station.running
        log = log_of(driver, driver.channels[self.channel])
        invariants.pages_only_grow(self.seen, actor.name, log)
        invariants.rungs_are_proved(self.seen, actor.name, log)
        return log

    def _shadow(self) -> None:
        actor = self._any(lambda actor: actor.hostile is None and actor.up)
        if actor is not None:
            invariants.a_restart_changes_nothing(self.seen, actor.name, actor.station.running)

    # --- small things

    def _actor(self, name: str) -> Actor:
        return next(actor for actor in self.actors if actor.name == name)

    def _any(self, fits: Callable[[Actor], bool]) -> Actor | None:
        found = [actor for actor in self.actors if fits(actor)]
        return self.chance.choice(found) if found else None


def _told(octets: bytes) -> str:
    """A frame in a word, for the trace."""
    try:
        frame = decode_frame(octets)
    except PeerViolation:
        return "?"
    match frame:
        case Hello():
            return "HELLO" + str([tuple(state) for state in frame.books])
        case Entries():
            return f"ENTRIES({frame.book}: {frame.start} +{len(frame.items)})"
        case ReceiptFrame():
            return f"RECEIPT({frame.book}: {frame.size} by {frame.cosigner})"
        case Want():
            return f"WANT({frame.book}: {frame.start}{' whole' if frame.whole else ''})"
        case _:
            return type(frame).__name__


def pair_of(a: Actor, b: Actor) -> tuple[str, str]:
    """Two parties, in one order."""
    return min(a.station.party, b.station.party), max(a.station.party, b.station.party)
