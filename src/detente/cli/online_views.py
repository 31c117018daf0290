"""The record and the state of the line as people see them at a terminal.

Its law: every text of others is marked where it disguises, and stands behind a bar on every line of the screen, also
where a long line is broken, so that no text can pass for a line of ours; every rung of a ladder from `held` on names its
proof; a broken rule names whose it is.
"""

import json
from typing import Any

import click

from detente.cli.speech import broken_line, framed, say, say_table, show_time
from detente.formats.secrets import SECRETS_FORM
from detente.records.ladder import Rung, Step
from detente.records.marks import marked_line, marked_text

PROTOCOL_KINDS = ("opening", "keys", "adopt")
RUNG_OF_STEP = {
    Step.RECEIPT.value: Rung.HELD.value,
    Step.SEEN.value: Rung.HELD.value,
    Step.STATUS_HELD.value: Rung.HELD.value,
    Step.STATUS_CANNOT.value: Rung.CANNOT_PROCESS.value,
    Step.ACKNOWLEDGE.value: Rung.ACKNOWLEDGED.value,
    Step.REPLY.value: Rung.ANSWERED.value,
}
_BAR = "    | "  # before each line of a text
_ON = "    : "  # before what is left of a line that the screen is too narrow for


def say_log(answer: dict[str, Any], now_ms: int, *, everything: bool) -> None:
    """The log of a channel. Without `everything`, entries of the protocol are counted; broken ones are shown."""
    say(f"{answer['channel']} ({answer['mode']}), in reading order. Times are the author's, UTC.")
    hidden = 0
    for entry in answer["entries"]:
        protocol = entry["kind"] in PROTOCOL_KINDS or entry["form"] == SECRETS_FORM
        if protocol and not everything and not entry["broken"] and not entry["unreadable"]:
            hidden += 1
            continue
        say()
        _say_entry(entry, now_ms)
    if not answer["entries"]:
        say("Nothing has been said yet.")
    if hidden:
        say(f"\n{hidden} entries of the protocol itself are not shown; --all shows them.")


def say_status(answer: dict[str, Any], now_ms: int) -> None:
    """The state of a station and its channels."""
    running = "runs" if answer["running"] else "does NOT run: nothing is sent or received"
    say(f"Station {answer['party']}/{answer['station']} {running}.")
    if not answer["channels"]:
        say("It has joined no channel yet: detente charter join HOME FILE")
    for channel in answer["channels"]:
        say()
        with framed(channel["mode"]):
            _say_channel(channel, now_ms)


def _say_entry(entry: dict[str, Any], now_ms: int) -> None:
    what = entry["form"] or entry["kind"]
    click.secho(f"{entry['ref']}  {entry['precedence']}  {what}  {show_time(entry['at'], now_ms)}", bold=True)
    facts = [
        f"to {', '.join(entry['to'])}" if entry["to"] else "",
        f"for information {', '.join(entry['info'])}" if entry["info"] else "",
        f"re {', '.join(entry['re'])}" if entry["re"] else "",
        f"by {marked_line(entry['by'])}" if entry["by"] else "",
        f"in {entry['lang']}" if entry["lang"] else "",
        "part {} of {}".format(*entry["part"]) if entry["part"] else "",
    ]
    if any(facts):
        _say_broken("  ", "; ".join(filter(None, facts)))
    if entry["text"] is not None:
        _say_text(entry["text"])
    if entry["fields"]:
        _say_broken("  fields: ", marked_line(json.dumps(entry["fields"], ensure_ascii=False)))
    for ladder in entry["ladder"]:
        say(f"  {ladder['party']}: {ladder['rung']}{_proofs_of(ladder, now_ms)}")
    if entry["unreadable"]:
        _say_broken("  ", f"not readable here: {marked_line(entry['unreadable'])}")
    if entry["mark"]:
        say(f"  {entry['mark']}; held here {show_time(entry['held_at'], now_ms)}")
    if entry["implausible"]:
        say(f"  implausible: their clock was ahead; held here {show_time(entry['held_at'], now_ms)}")
    for broken in entry["broken"]:
        click.secho(f"  BROKEN RULE by {entry['party']}: {broken['rule']}, {marked_line(broken['text'])}", fg="red")


def _say_text(text: str) -> None:
    for line in marked_text(text).split("\n"):
        _say_broken(_BAR, line)


def _say_broken(before: str, line: str) -> None:
    """One line behind what stands before it, broken to the width of the screen; each further piece behind `_ON`."""
    for piece in broken_line(line, max(len(before), len(_ON))):
        say(before + piece)
        before = _ON


def _proofs_of(ladder: dict[str, Any], now_ms: int) -> str:
    """What proves the rungs, the highest first, one proof for each."""
    found: dict[str, str] = {}
    for proof in ladder["proofs"]:
        rung = RUNG_OF_STEP[proof["step"]]
        receipt = f"receipt {show_time(proof['timestamp_s'] * 1_000, now_ms)}" if "timestamp_s" in proof else ""
        found.setdefault(rung, receipt or proof["entry"])
    shown = [f"{rung}: {proof}" for rung, proof in reversed(found.items())]
    return f" ({'; '.join(shown)})" if shown else ""


def _say_channel(channel: dict[str, Any], now_ms: int) -> None:
    say(f"{channel['channel']}, {channel['mode']}: {marked_line(channel['title'])}")
    say(f"Charter number {channel['charter']}; we are {channel['party']}, {channel['role']}.")
    if channel.get("stopped"):
        click.secho(f"NOTHING IS WRITTEN HERE ANY MORE: {channel['stopped']}", fg="red")
    say_table(
        ("station", "bearer", "link", "since", "by"),
        [
            (f"{one['party']}/{one['station']}" if place == 0 else "", *_bearer(bearer, now_ms))
            for one in channel["stations"]
            for place, bearer in enumerate(one["bearers"] or [None])
        ],
    )
    rows = []
    for book in channel["books"]:
        receipts = [
            f"{one['party']} {one['statement']} {one['size']}, {show_time(one['timestamp'] * 1_000, now_ms)}"
            for one in book["receipts"]
        ]
        owner = f"{book['origin'].rsplit('/', 2)[1]}, book {book['origin'].rsplit('/', 1)[1]}"
        rows.append((owner + (" (ours)" if book["ours"] else ""), str(book["size"]), "\n".join(receipts) or "none yet"))
    say_table(("book", "entries", "receipts of the others"), rows)
    for finding in channel["findings"]:
        text = f"FINDING {finding['origin']}, {finding['index']}: {finding['rule']}, {marked_line(finding['text'])}"
        click.secho(text, fg="red")


def _bearer(bearer: dict[str, Any] | None, now_ms: int) -> tuple[str, str, str, str]:
    """One way to a station; None: there is none but by hand."""
    if bearer is None:
        return "-", "down", "-", "-"
    return bearer["bearer"], bearer["state"], show_time(bearer["since"], now_ms), bearer["description"] or "-"
