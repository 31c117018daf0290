"""A report for people, and the same as JSON.

It keeps: the verdict comes first; EXERCISE stands in the first line and the last; texts of the parties are marked where
they would deceive the eye (`records.marks`), and stand octet for octet in the JSON.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from detente.formats.content import content_to_map
from detente.formats.entry import Kind, Precedence
from detente.records.log import KIND_NAMES, fields_of_body, plain
from detente.records.marks import marked_text
from detente.verify.findings import BookFound, EntryFound, Finding, HeadFound, ReceiptFound, Report

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BUNDLE-1": "The file is no whole bundle. It may be damaged: ask for it again. It accuses nobody.",
        "BUNDLE-2": "The charters do not form one signed chain, so whose record this is does not follow.",
        "BUNDLE-3": "A book is not shown to belong to the party that it names.",
        "BUNDLE-4": "A message key does not open what it is said to open. The entry itself may still be proved.",
        "BUNDLE-5": "A head or a signature over it does not fit the items. What that head should prove is not proved.",
        "BUNDLE-6": "An entry under a signed head breaks a rule of the protocol. Its author wrote it so.",
        "BUNDLE-7": "An entry states that its author had seen something else than this bundle holds.",
    }
)

_EXERCISE: Final = "EXERCISE EXERCISE EXERCISE: nothing in this record is real"
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_MAX: Final = 253_402_300_799  # the last second of the year 9999


def as_text(report: Report) -> str:
    """The report for people, without colours; ends in a newline."""
    return "\n".join(_lines(report)) + "\n"


def as_json(report: Report) -> dict[str, Any]:
    """The report as values of JSON; octet strings in hexadecimal, times in seconds or milliseconds as named."""
    return {
        "verdict": "SOUND" if report.sound else "NOT SOUND",
        "sound": report.sound,
        "mode": report.mode or None,
        "channel": report.channel or None,
        "title": report.title or None,
        "findings": [
            {
                "check": one.check,
                "rule": one.rule,
                "place": one.place,
                "text": one.text,
                "against": one.against or None,
            }
            for one in report.findings
        ],
        "notes": [{"place": one.place, "text": one.text} for one in report.remarks],
        "charters": [
            {"number": one.number, "digest": one.digest.hex(), "signed_by": list(one.signed_by)}
            for one in report.charters
        ],
        "parties": [
            {"id": one.id, "role": one.role, "name": dict(one.name), "fingerprint": one.fingerprint}
            for one in report.parties
        ],
        "books": [_book_as_json(book) for book in report.books],
        "entries": [_entry_as_json(entry) for entry in report.entries],
    }


def utc(seconds: int | None) -> str:
    """A time of seconds since 1970 in UTC; `-` for None."""
    if seconds is None:
        return "-"
    if seconds > _SECONDS_MAX:
        return f"{seconds} s after 1970"
    return f"{_START + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}Z"


# --- text


def _lines(report: Report) -> Iterator[str]:
    verdict = "SOUND" if report.sound else f"NOT SOUND ({len(report.findings)} findings)"
    exercise = report.mode == "EXERCISE"
    yield f"{verdict}. {_EXERCISE}" if exercise else f"{verdict}."
    yield ""
    yield from _whose(report)
    if report.findings:
        yield ""
        yield "Findings"
        for one in report.findings:
            yield from _finding(one)
    if report.remarks:
        yield ""
        yield "Notes (held against nobody)"
        yield from (f"  {marked_text(one.place)}: {marked_text(one.text)}" for one in report.remarks)
    for book in report.books:
        yield ""
        yield from _book(book)
    if report.entries:
        yield ""
        yield "Entries shown"
        for entry in report.entries:
            yield from _entry(entry)
    yield ""
    yield f"End of the report: {verdict}. {_EXERCISE}" if exercise else f"End of the report: {verdict}."


def _whose(report: Report) -> Iterator[str]:
    if not report.charters:
        yield "Whose record this is cannot be told: no charter can be read."
        return
    yield f"Record of the channel {report.channel} ({report.mode})"
    yield f"  {marked_text(report.title)}"
    for charter in report.charters:
        signed_by = ", ".join(charter.signed_by) or "nobody"
        yield f"  charter {charter.number}, signed by {signed_by}: {charter.digest.hex()}"
    yield "  Whose record it is, you know when you have compared these fingerprints of the roots with the ones read"
    yield "  aloud at the signing. A whole record of other parties with the same names would be as sound."
    for party in report.parties:
        name = next(iter(party.name.values()), "")
        yield f"  {party.id:<24} {party.role:<9} {party.fingerprint}  {marked_text(name)}"


def _finding(one: Finding) -> Iterator[str]:
    whose = f" (by {one.against})" if one.against else ""
    yield f"  {one.check} {one.rule}  {marked_text(one.place)}{whose}: {marked_text(one.text)}"
    yield f"      {MEANINGS[one.check]}"


def _book(book: BookFound) -> Iterator[str]:
    yield f"Book {book.origin}: {book.size} entries"
    hidden = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in book.hidden)
    yield f"  hidden by this bundle: {hidden or 'nothing'}"
    for head in book.heads:
        yield f"  head at size {head.size}"
        for one in head.receipts:
            kind = ", post-quantum" if one.post_quantum else ""
            yield f"    {one.party}/{one.station} ({one.statement}{kind}) at {utc(one.timestamp_s)} by its clock"


def _entry(entry: EntryFound) -> Iterator[str]:
    leaf = entry.leaf
    kind = KIND_NAMES.get(leaf.kind, f"kind {leaf.kind}")
    yield f"  {entry.ref}  {kind}  {Precedence(leaf.precedence).name}  claimed {utc(leaf.at // 1000)}"
    yield f"    proved: not before {utc(entry.not_before_s)}, not after {utc(entry.not_after_s)}; view {entry.view}"
    if entry.content is None:
        if leaf.kind == Kind.SEALED:
            yield "    sealed, not disclosed here"
        fields = fields_of_body(entry.body) or {}
        yield from (f"    {key}: {_shown(value)}" for key, value in fields.items())
        return
    yield "    disclosed by its message key" if entry.disclosed else "    open to all stations of the channel"
    for key, value in content_to_map(entry.content).items():
        if key == "text":
            yield "    text:"
            yield from (f"    | {line}" for line in marked_text(value).split("\n"))
        else:
            yield f"    {key}: {_shown(plain(value))}"


def _shown(value: object) -> str:
    return marked_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


# --- JSON


def _book_as_json(book: BookFound) -> dict[str, Any]:
    return {
        "origin": book.origin,
        "size": book.size,
        "hidden": [list(one) for one in book.hidden],
        "heads": [_head_as_json(head) for head in book.heads],
    }


def _head_as_json(head: HeadFound) -> dict[str, Any]:
    return {"size": head.size, "root": head.root.hex(), "receipts": [_receipt_as_json(one) for one in head.receipts]}


def _receipt_as_json(one: ReceiptFound) -> dict[str, Any]:
    return {
        "party": one.party,
        "station": one.station,
        "statement": one.statement,
        "post_quantum": one.post_quantum,
        "timestamp_s": one.timestamp_s,
    }


def _entry_as_json(entry: EntryFound) -> dict[str, Any]:
    leaf = entry.leaf
    return {
        "ref": str(entry.ref),
        "party": entry.ref.party,
        "book": entry.ref.book,
        "index": entry.ref.index,
        "at": leaf.at,
        "precedence": Precedence(leaf.precedence).name,
        "kind": KIND_NAMES.get(leaf.kind, str(leaf.kind)),
        "not_before_s": entry.not_before_s,
        "not_after_s": entry.not_after_s,
        "view": entry.view,
        "disclosed": entry.disclosed,
        "content": plain(content_to_map(entry.content)) if entry.content is not None else None,
        "fields": fields_of_body(entry.body),
    }
