"""The ladder of one own entry and one addressee (LADDER-1 to LADDER-3), and the facts that climb it.

It keeps: the table is total, no row goes down, and no rung above `sent` is reached without a proof, which is kept
beside it. It verifies nothing: receipts and entries given here have been verified by whoever gives them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from detente.errors import impossible
from detente.ids import PartyId, Ref


class Rung(Enum):
    """LADDER-1, from the bottom up. `cannot process` stands aside: above held, below acknowledged."""

    UNWRITTEN = "unwritten"
    QUEUED = "queued"
    SENT = "sent"
    HELD = "held"
    CANNOT_PROCESS = "cannot process"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"


class Step(Enum):
    """LADDER-2: what can happen to an entry on its way to one addressee."""

    COMMITTED = "committed here"
    GIVEN = "given to a bearer"
    RECEIPT = "receipt by a station that holds"
    SEEN = "counted by a verified seen"
    STATUS_HELD = "status: held"
    STATUS_CANNOT = "status: cannot process"
    ACKNOWLEDGE = "acknowledge"
    REPLY = "reply"


class Impossible(NamedTuple):
    """A row that cannot be, and why."""

    reason: str


class ReceiptProof(NamedTuple):
    """A `holds` receipt above the entry: who cosigned, at which size, when by their clock (seconds)."""

    cosigner: str
    size: int
    timestamp_s: int


Proof: TypeAlias = ReceiptProof | Ref  # a Ref names the addressee's own entry that proves it

_ONCE: Final = Impossible("an entry is committed once; (book, index) is unique for ever (STORE-1)")
_FIRST: Final = Impossible("nothing leaves before its commit (STORE-2), so nobody can know of it")


def _row(rung: Rung, step: Step) -> Rung | Impossible:
    """One row of the table."""
    if (rung is Rung.UNWRITTEN) != (step is Step.COMMITTED):
        return _FIRST if rung is Rung.UNWRITTEN else _ONCE
    reached = _REACHES[step]
    return reached if HEIGHT[reached] > HEIGHT[rung] else rung  # LADDER-3: never down


HEIGHT: Final[Mapping[Rung, int]] = MappingProxyType({rung: height for height, rung in enumerate(Rung)})
_REACHES: Final[Mapping[Step, Rung]] = MappingProxyType(
    {
        Step.COMMITTED: Rung.QUEUED,
        Step.GIVEN: Rung.SENT,
        Step.RECEIPT: Rung.HELD,
        Step.SEEN: Rung.HELD,
        Step.STATUS_HELD: Rung.HELD,  # STATUS-2
        Step.STATUS_CANNOT: Rung.CANNOT_PROCESS,  # STATUS-1
        Step.ACKNOWLEDGE: Rung.ACKNOWLEDGED,
        Step.REPLY: Rung.ANSWERED,
    }
)
TABLE: Final[Mapping[tuple[Rung, Step], Rung | Impossible]] = MappingProxyType(
    {(rung, step): _row(rung, step) for rung in Rung for step in Step}
)
PROVED_STEPS: Final = frozenset(Step) - {Step.COMMITTED, Step.GIVEN}


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where an entry stands with one addressee. `proofs` holds the first proof of each step that happened."""

    party: PartyId
    rung: Rung = Rung.UNWRITTEN
    proofs: Mapping[Step, Proof] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def proof(self) -> tuple[Step, Proof] | None:
        """The step that proves the present rung, with its proof; None up to `sent` (LADDER-3)."""
        return next(((step, proof) for step, proof in self.proofs.items() if _REACHES[step] is self.rung), None)

    def climb(self, step: Step, proof: Proof | None = None) -> "Ladder":
        """The ladder after one step. Raises InternalFault for an impossible row or a missing proof."""
        reached = TABLE[self.rung, step]
        if isinstance(reached, Impossible):
            impossible(f"{step.value!r} cannot follow {self.rung.value!r}: {reached.reason}")
        if step not in PROVED_STEPS:
            return replace(self, rung=reached)
        if proof is None:
            impossible(f"{step.value!r} needs a proof (LADDER-3)")
        proofs = self.proofs if step in self.proofs else MappingProxyType({**self.proofs, step: proof})
        return replace(self, rung=reached, proofs=proofs)


def diagram() -> str:
    """The table as a Mermaid state diagram: every row that moves, then every row that cannot be."""
    lines = ["stateDiagram-v2"]
    lines += [f"    {rung.name} : {rung.value}" for rung in Rung]
    lines.append(f"    [*] --> {Rung.UNWRITTEN.name}")
    for rung in Rung:
        moves: dict[Rung, list[str]] = {}
        for step in Step:
            reached = TABLE[rung, step]
            if isinstance(reached, Rung) and reached is not rung:
                moves.setdefault(reached, []).append(step.value)
        lines += [f"    {rung.name} --> {reached.name} : {', '.join(steps)}" for reached, steps in moves.items()]
    reasons = dict.fromkeys(row.reason for row in TABLE.values() if isinstance(row, Impossible))
    lines += [f"    %% impossible: {reason}" for reason in reasons]
    return "\n".join(lines) + "\n"
