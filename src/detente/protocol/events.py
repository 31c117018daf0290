"""What may happen to a channel: a link comes up or goes down, a frame arrives, an officer or the station acts, time passes.

An event is a frozen value. Whose officer asked for an act, and where the answer goes, is the station's business:
the core gives back the event object itself in `Turn.done` or `Turn.refused`.
"""

from dataclasses import dataclass

from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.formats.frame import Frame
from detente.ids import Origin, PartyId

RANKS = {"tls": 0, "serial": 1, "courier": 2}  # by kind of bearer; a courier is no link and never the best one


@dataclass(frozen=True, slots=True)
class Peer:
    """A station at the other end of a link: its party, its station id in the charter, and which bearer the link uses.

    A bearer is `tls`, or its kind and a name, as in `serial:ttyS0`. Each link to a station is a peer of its own.
    """

    party: PartyId
    station: str
    bearer: str = "tls"

    @property
    def place(self) -> tuple[PartyId, str]:
        """The station, whichever the link."""
        return self.party, self.station

    @property
    def rank(self) -> int:
        """Which link is the best that is up: the smaller, the better."""
        return RANKS[self.bearer.partition(":")[0]]

    @property
    def is_narrow(self) -> bool:
        """Whether frames on this link are kept small, and urgent ones go ahead of those on their way (FRAME-12)."""
        return self.rank > RANKS["tls"]

    def __str__(self) -> str:
        return f"{self.party}/{self.station}"


@dataclass(frozen=True, slots=True)
class LinkUp:
    """A link to a station of this channel is open. Nothing was said on it yet."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link is gone. What was sent on it may or may not have arrived."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class FrameIn:
    """One decoded frame of this channel."""

    peer: Peer
    frame: Frame


@dataclass(frozen=True, eq=False, slots=True)
class Say:
    """Write one content into our book: sealed for the parties of `audience`, or readable by all if `audience` is empty."""

    content: Content
    precedence: Precedence
    audience: tuple[PartyId, ...]


@dataclass(frozen=True, eq=False, slots=True)
class TakeNote:
    """A signed note brought by an operator: a charter, an amendment, a book note (also one not used yet)."""

    octets: bytes


@dataclass(frozen=True, eq=False, slots=True)
class OpenBook:
    """Open the next book of ours for which a note and a key are at hand; `reason` as in BOOK-13."""

    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class RenewKeys:
    """Publish a new HPKE key of ours and let every audience have a new epoch at its next message."""


@dataclass(frozen=True, eq=False, slots=True)
class Brought:
    """One frame out of a courier file. Whoever carried it gets no answer (COURIER-4)."""

    frame: Frame


@dataclass(frozen=True, eq=False, slots=True)
class Handed:
    """A courier file for this party is durable; of each book it holds what is below a size."""

    party: PartyId
    sizes: tuple[tuple[Origin, int], ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = LinkUp | LinkDown | FrameIn | Say | TakeNote | OpenBook | RenewKeys | Brought | Handed | Tick
