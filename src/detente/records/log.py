"""The log: one object for each entry, in reading order, with its ladder, its marks and why it cannot be read if so.

It keeps: every entry has exactly one object, and texts stand in it octet for octet (READ-3; `marks.py` is for eyes).
Values are those of JSON: octet strings are hexadecimal (spec/README). It opens and verifies nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from detente.formats.content import Content
from detente.formats.entry import Adopt, Closing, Erased, Keys, Kind, Open, Opening, Precedence
from detente.formats.secrets import SECRETS_FORM
from detente.ids import Ref
from detente.limits import CLOCK_AHEAD_MS_MAX
from detente.records.ladder import Ladder, Proof, ReceiptProof, Step
from detente.records.order import Item, Placed, reading_order

NOT_FOR_US: Final = "sealed, not for us"
CANNOT_PROCESS: Final = "cannot process: "  # followed by a reason of SEAL-6

KIND_NAMES: Final[Mapping[int, str]] = {kind: kind.name.lower() for kind in Kind}

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What is known here of one entry. `content` is what it says: the opened content, or the body of another kind.

    `unreadable` says why there is none: NOT_FOR_US, or CANNOT_PROCESS and the reason. `broken` lists (rule, text).
    """

    item: Item
    content: Content | Open | Opening | Keys | Adopt | Erased | Closing | None = None
    unreadable: str = ""
    broken: tuple[tuple[str, str], ...] = ()
    ladders: tuple[Ladder, ...] = ()


def log_lines(entries: Iterable[LogEntry]) -> list[Line]:
    """One object an entry, in reading order (ORDER-1 to ORDER-4).

    Keys: ref, party, book, index, at and held_at (milliseconds), implausible (BOOK-5: `at` lies ahead), precedence, kind,
    form, fields, text, lang, by, to, info, re, part, whole, ladder, mark, broken, unreadable. `whole` is the text of all
    parts (READ-5), at part 1 and only when all are there. What does not apply is None or an empty list.
    """
    known = {entry.item.ref: entry for entry in entries}
    wholes = _whole_texts(known)
    placed = reading_order(entry.item for entry in known.values())
    return [_line(known[one.item.ref], one, wholes.get(one.item.ref)) for one in placed]


def content_of_entry(entry: LogEntry) -> Content | None:
    """The content that an entry holds, opened or open; None if it holds another body or cannot be read."""
    if isinstance(entry.content, Open):
        return entry.content.content
    return entry.content if isinstance(entry.content, Content) else None


def plain(value: object) -> object:
    """A decoded value as one of JSON: tuples as lists, octet strings in hexadecimal, references as in READ-2."""
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value


def fields_of_body(body: object) -> Line | None:
    """What an entry without a content says, in short; keys and wraps are left out."""
    match body:
        case Opening():
            return {"reason": body.reason, "charter": body.charter.hex(), "heads": plain(body.heads)}
        case Keys():
            return {"audience": list(body.audience), "wrapped_for": [wrap.reader for wrap in body.wraps]}
        case Adopt():
            return {"what": body.what, "number": body.number, "digest": body.digest.hex()}
        case Erased():
            return {"index": body.index, "authority": body.authority}
        case Closing():
            return {"reason": body.reason}
    return None


def _line(entry: LogEntry, placed: Placed, whole: str | None) -> Line:
    item, leaf = entry.item, entry.item.leaf
    content = content_of_entry(entry)
    return {
        "ref": str(item.ref),
        "party": item.ref.party,
        "book": item.ref.book,
        "index": item.ref.index,
        "at": leaf.at,
        "held_at": item.held_at,
        "implausible": 0 < item.held_at < leaf.at - CLOCK_AHEAD_MS_MAX,  # BOOK-5: shown as claimed, and marked
        "precedence": Precedence(leaf.precedence).name,
        "kind": KIND_NAMES.get(leaf.kind, str(leaf.kind)),  # BOOK-3: a kind unknown here is shown by its number
        "form": content.form if content else None,
        "fields": _fields(content) if content else fields_of_body(entry.content),
        "text": content.text if content else None,
        "lang": content.lang if content else None,
        "by": content.by if content else None,
        "to": list(content.to) if content else [],
        "info": list(content.info) if content else [],
        "re": plain(content.re) if content else [],
        "part": plain(content.part) if content else None,
        "whole": whole,
        "ladder": [_ladder(one) for one in entry.ladders],
        "mark": placed.mark or None,
        "broken": [{"rule": rule, "text": text} for rule, text in entry.broken],
        "unreadable": entry.unreadable or None,
    }


def _fields(content: Content) -> object:
    """The fields of a content. Secrets are counted, never shown (EPOCH-7)."""
    if content.form != SECRETS_FORM:
        return plain(content.fields)
    epochs = (content.fields or {}).get("epochs")
    return {"epochs": len(epochs) if isinstance(epochs, tuple) else 0}


def _ladder(ladder: Ladder) -> Line:
    return {
        "party": ladder.party,
        "rung": ladder.rung.value,
        "proofs": [_proof(step, proof) for step, proof in ladder.proofs.items()],  # LADDER-3
    }


def _proof(step: Step, proof: Proof) -> Line:
    if isinstance(proof, ReceiptProof):
        return {"step": step.value, **proof._asdict()}
    return {"step": step.value, "entry": str(proof)}


def _whole_texts(known: Mapping[Ref, LogEntry]) -> dict[Ref, str]:
    """READ-5: by the reference of part 1, the text of all parts, where all are there."""
    parts: dict[Ref, dict[int, str]] = {}
    firsts: dict[Ref, Content] = {}
    for ref in sorted(known):
        content = content_of_entry(known[ref])
        if content is None or content.part is None or content.text is None:
            continue
        number, _ = content.part
        first = ref if number == 1 else next(iter(content.re), None)
        if number == 1:
            firsts[ref] = content
        if first is not None and first in firsts and _belongs(ref, content, first, firsts[first]):
            parts.setdefault(first, {}).setdefault(number, content.text)
    return {
        first: _joined(texts)
        for first, texts in parts.items()
        if len(texts) == (firsts[first].part or (0, 0))[1] and len(texts) > 1
    }


def _belongs(ref: Ref, content: Content, first_ref: Ref, first: Content) -> bool:
    """Whether a part is of the same text as part 1: same book, number of parts, form and addressees."""
    same_book = ref[:2] == first_ref[:2]
    alike = (content.form, content.to, content.info) == (first.form, first.to, first.info)
    return same_book and alike and (content.part or (0, 0))[1] == (first.part or (0, 0))[1]


def _joined(texts: Mapping[int, str]) -> str:
    pieces: Sequence[str] = [texts[number] for number in sorted(texts)]
    return "".join(pieces)
