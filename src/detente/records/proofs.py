"""Which steps of the ladder are proved, looked up in the receipts and entries that are held (LADDER-2).

It keeps: what is given must have been verified; of several proofs of one step the first is taken, so that the time of
telling stays the same (RECEIPT-5). Only the addressee's own stations and books speak for it (RECEIPT-6).
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from detente.formats.content import Content
from detente.formats.entry import Kind, Leaf, encode_leaf
from detente.ids import PARTY_ID, PartyId, Ref
from detente.limits import BOOKS_PER_PARTY_MAX, INDEX_MAX
from detente.records.ladder import Ladder, Proof, ReceiptProof, Step
from detente.records.order import Item, counts
from detente.tlog.tree import leaf_hash

_Book: TypeAlias = tuple[PartyId, int]


class Receipt(NamedTuple):
    """A verified cosignature: over the first `size` entries of a book, by a station of `party` with that statement."""

    author: PartyId
    book: int
    size: int
    party: PartyId
    statement: str
    cosigner: str
    timestamp_s: int


class Proofs:
    """What receipts and entries prove, indexed once; then any number of ladders is read off."""

    def __init__(
        self, parties: tuple[PartyId, ...], receipts: Iterable[Receipt], entries: Iterable[tuple[Item, Content | None]]
    ) -> None:
        """`parties` in the charter's order; each entry with its content, None where it cannot be read here."""
        self._receipts: dict[tuple[_Book, PartyId], list[ReceiptProof]] = {}
        self._seen: dict[tuple[_Book, PartyId], tuple[list[int], list[Ref]]] = {}
        self._referring: dict[tuple[Ref, PartyId], dict[Step, Ref]] = {}
        for receipt in receipts:
            self._take_receipt(receipt)
        for proofs in self._receipts.values():
            _keep_first(proofs)
        in_books = sorted(entries, key=lambda pair: pair[0].ref)
        leaves = {item.ref: item.leaf for item, _ in in_books}
        for item, content in in_books:
            self._take_seen(parties, item)
            if content is not None:
                self._take_content(item, content, leaves)

    def ladder(self, ref: Ref, addressee: PartyId, *, given: bool) -> Ladder:
        """Where the own, committed entry `ref` stands with one addressee; `given`: it was handed to a bearer here."""
        ladder = Ladder(addressee).climb(Step.COMMITTED)
        if given:
            ladder = ladder.climb(Step.GIVEN)
        for step, proof in self._steps(ref, addressee).items():
            ladder = ladder.climb(step, proof)
        return ladder

    def _steps(self, ref: Ref, addressee: PartyId) -> Mapping[Step, Proof]:
        book = ref.party, ref.book
        steps: dict[Step, Proof] = {}
        receipts = self._receipts.get((book, addressee), [])
        at = bisect_right(receipts, ref.index, key=lambda proof: proof.size)  # the first with size > index
        if at < len(receipts):
            steps[Step.RECEIPT] = receipts[at]
        greatest, refs = self._seen.get((book, addressee), ([], []))
        at = bisect_right(greatest, ref.index)
        if at < len(greatest):
            steps[Step.SEEN] = refs[at]
        return {**steps, **self._referring.get((ref, addressee), {})}

    def _take_receipt(self, receipt: Receipt) -> None:
        if receipt.statement == "holds" and receipt.party != receipt.author:  # LADDER-2, RECEIPT-6
            proof = ReceiptProof(receipt.cosigner, receipt.size, receipt.timestamp_s)
            self._receipts.setdefault(((receipt.author, receipt.book), receipt.party), []).append(proof)

    def _take_seen(self, parties: tuple[PartyId, ...], item: Item) -> None:
        """Counts by verified views, kept where they grow."""
        if not item.view_ok:
            return
        for (place, number), count in counts(item.leaf.seen):
            if place >= len(parties) or parties[place] == item.ref.party:
                continue
            greatest, refs = self._seen.setdefault(((parties[place], number), item.ref.party), ([], []))
            if not greatest or count > greatest[-1]:
                greatest.append(count)
                refs.append(item.ref)

    def _take_content(self, item: Item, content: Content, leaves: Mapping[Ref, Leaf]) -> None:
        if content.form == "acknowledge" and content.by is not None:  # READ-4
            self._refer(content.re, Step.ACKNOWLEDGE, item.ref)
        elif content.form == "message":
            self._refer(content.re, Step.REPLY, item.ref)
        elif content.form == "status" and item.leaf.kind == Kind.OPEN:
            fields = content.fields or {}
            entry = _reference(fields.get("entry"))
            if entry is None:
                return
            match dict(fields):  # a status whose fields have another shape says nothing
                case {"kind": "cannot process", "reason": str(), **more} if more.keys() == {"entry"}:  # STATUS-1
                    self._refer((entry,), Step.STATUS_CANNOT, item.ref)
                case {"kind": "held", "leaf": bytes(leaf), **more} if more.keys() == {"entry"}:
                    # STATUS-2: it names the leaf, so it proves nothing about another leaf at that place
                    if entry in leaves and leaf == _hash(leaves[entry]):
                        self._refer((entry,), Step.STATUS_HELD, item.ref)

    def _refer(self, entries: Iterable[Ref], step: Step, by: Ref) -> None:
        for entry in entries:
            if entry.party != by.party:
                self._referring.setdefault((entry, by.party), {}).setdefault(step, by)


def _keep_first(proofs: list[ReceiptProof]) -> None:
    """In place, by increasing size: each proof that was given earlier than all with a larger size."""
    proofs.sort(key=lambda proof: (-proof.size, proof.timestamp_s))
    kept: list[ReceiptProof] = []
    for proof in proofs:
        if not kept or proof.timestamp_s < kept[-1].timestamp_s:
            kept.append(proof)
    proofs[:] = reversed(kept)


def _hash(leaf: Leaf) -> bytes:
    return leaf_hash(encode_leaf(leaf))


def _reference(value: object) -> Ref | None:
    """A reference in the fields of a status (READ-2), None if it is none: then the status proves nothing."""
    if not isinstance(value, tuple | list) or len(value) != 3:
        return None
    party, book, index = value
    if type(party) is not str or not PARTY_ID.fullmatch(party) or type(book) is not int or type(index) is not int:
        return None
    if not 1 <= book <= BOOKS_PER_PARTY_MAX or not 0 <= index < INDEX_MAX:
        return None
    return Ref(PartyId(party), book, index)
