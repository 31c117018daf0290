"""What a verification says: findings, notes, and what the bundle holds, as frozen values.

It keeps: a finding names the check of spec/8, the rule that is broken, where, and whose signature stands behind it;
nobody is accused of what nobody signed. A bundle is sound exactly when there is no finding (BUNDLE-10).
"""

from dataclasses import dataclass

from detente.formats.content import Content
from detente.formats.entry import Body, Leaf
from detente.ids import Origin, PartyId, Ref

VIEW_VERIFIED = "verified"
VIEW_NOT_CHECKED = "not checked"
VIEW_WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is of spec/8 ("BUNDLE-5"), `rule` the rule broken ("HEAD-2"). `against` is a party, or "": the file."""

    check: str
    rule: str
    place: str
    text: str
    against: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know that is no finding against anybody."""

    place: str
    text: str


class Findings:
    """Collects findings and remarks in the order in which they are found."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.remarks: list[Remark] = []

    def find(self, check: str, rule: str, place: str, text: str, against: str = "") -> None:
        """One thing that is wrong."""
        self.findings.append(Finding(check, rule, place, text, against))

    def remark(self, place: str, text: str) -> None:
        """One thing that is not wrong."""
        self.remarks.append(Remark(place, text))


@dataclass(frozen=True, slots=True)
class PartyFound:
    """A party of the newest charter; `fingerprint` is that of its root (BUNDLE-10)."""

    id: PartyId
    role: str
    name: dict[str, str]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class CharterFound:
    """A charter of the chain; `signed_by` are the parties whose roots have signed it."""

    number: int
    digest: bytes
    signed_by: tuple[PartyId, ...]


@dataclass(frozen=True, slots=True)
class ReceiptFound:
    """A verified cosignature of another party (RECEIPT-1). `timestamp_s` is the cosigner's clock, in seconds."""

    party: PartyId
    station: str
    statement: str
    post_quantum: bool
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class HeadFound:
    """A head of a book. `receipts` are only those over a head without findings."""

    size: int
    root: bytes
    receipts: tuple[ReceiptFound, ...]


@dataclass(frozen=True, slots=True)
class BookFound:
    """A book of the bundle. `hidden` lists [first, last] of the indexes that it hides (BUNDLE-8)."""

    origin: Origin
    size: int
    heads: tuple[HeadFound, ...]
    hidden: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class EntryFound:
    """An entry that the bundle shows. `body` is None if it is sealed or of no known shape; `content` what was said.

    `not_before_s` and `not_after_s` are the interval of proved time in seconds, None where nothing bounds it
    (BUNDLE-9).
    """

    ref: Ref
    leaf: Leaf
    body: Body | None
    content: Content | None
    disclosed: bool
    view: str
    not_before_s: int | None
    not_after_s: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that a verification found. What could not be read is empty: without a charter there is no channel."""

    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...]
    channel: str = ""
    mode: str = ""
    title: str = ""
    charters: tuple[CharterFound, ...] = ()
    parties: tuple[PartyFound, ...] = ()
    books: tuple[BookFound, ...] = ()
    entries: tuple[EntryFound, ...] = ()

    @property
    def sound(self) -> bool:
        """BUNDLE-10."""
        return not self.findings
