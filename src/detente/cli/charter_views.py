"""A charter as people and programs see it, and what a check of charters finds.

Its law: everything that a charter binds its parties to is shown; keys are shown by the fingerprint of their card, which
is what people compare aloud. Names, titles and clauses were written by others and are marked where they disguise.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from detente.cli.files import get_paper
from detente.cli.speech import framed, say, say_json, say_table, show_time
from detente.errors import Malformed
from detente.formats.card import Party, fingerprint
from detente.formats.charter import PRECEDENCES, check_amendment
from detente.records.marks import marked_text
from detente.station.papers import Paper, card_fingerprint
from detente.tlog.note import verify_note

FINDINGS_EXIT_STATUS = 3


def paper_object(paper: Paper) -> dict[str, Any]:
    """A charter for programs."""
    charter = paper.charter
    return {
        "channel": charter.channel,
        "mode": charter.mode,
        "number": charter.number,
        "digest": paper.digest.hex(),
        "amends": charter.amends.hex() if charter.amends else None,
        "title": charter.title,
        "languages": list(charter.languages),
        "scopes": list(charter.scopes),
        "never_suspended": list(charter.never_suspended),
        "contact": {"start": charter.contact.start, "period_s": charter.contact.period_s},
        "acknowledge_s": {name: getattr(charter.acknowledge_s, name) for name in PRECEDENCES},
        "release": {name: getattr(charter.release, name) for name in PRECEDENCES},
        "parties": [
            {
                "party": party.id,
                "role": party.role,
                "name": dict(party.name),
                "fingerprint": card_fingerprint(party),
                "root": str(party.root),
                "root_fingerprint": fingerprint(str(party.root)),
                "signed": party.id in paper.signed_by,
                "stations": [
                    {"station": one.id, "statement": one.statement, "bearers": list(one.bearers)}
                    for one in party.stations
                ],
            }
            for party in charter.parties
        ],
        "clauses": [dict(clause) for clause in charter.clauses],
        "signed": list(paper.signed_by),
        "missing": list(paper.missing),
        "in_force": not paper.missing,
    }


def say_paper(paper: Paper, now_ms: int) -> None:
    """A charter for people."""
    charter = paper.charter
    say(f"Charter number {charter.number} of {charter.channel}, {charter.mode}")
    say(f"Title:     {marked_text(charter.title)}")
    say(f"Digest:    {paper.digest.hex()}")
    if charter.amends is not None:
        say(f"Amends:    {charter.amends.hex()}")
    say(f"Languages: {', '.join(charter.languages)}")
    say()
    _say_parties(paper)
    say()
    say(f"Check-ins: from {show_time(charter.contact.start, now_ms)}, every {_span(charter.contact.period_s)}")
    say_table(
        ("precedence", "acknowledge within", "officers to release"),
        [
            (name.upper(), _span(getattr(charter.acknowledge_s, name)), str(getattr(charter.release, name)))
            for name in PRECEDENCES
        ],
    )
    say(
        f"Quota of a party: {charter.quota.entries_per_day:,} entries and {charter.quota.octets_per_day:,} octets a day"
    )
    say(
        f"Keys: new after {charter.keys.maximum_age_days} days at the latest; post-quantum receipts within "
        f"{charter.keys.pq_lag_days} days"
    )
    say(f"Scopes that can be suspended: {', '.join(charter.scopes) or 'none'}")
    say(f"Never suspended: {', '.join(charter.never_suspended) or 'nothing'}")
    for number, clause in enumerate(charter.clauses, start=1):
        for language, text in clause.items():
            say(f"Clause {number} ({language}): {marked_text(text)}")
    if not charter.clauses:
        say("Clauses: none")
    say()
    if paper.missing:
        say(f"NOT IN FORCE: the signature of {', '.join(paper.missing)} is missing.")
    else:
        say("In force: every principal has signed.")


def say_findings(paths: Sequence[Path], *, as_json: bool) -> None:
    """Check charters, print what is found, and end with status 3 if something is."""
    papers: list[tuple[Path, Paper]] = []
    findings: list[dict[str, str]] = []
    for path in paths:
        try:
            papers.append((path, get_paper(path)))
        except Malformed as fault:
            findings.append({"file": str(path), "rule": fault.rule, "text": fault.text})
    papers.sort(key=lambda pair: pair[1].charter.number)
    for path, paper in papers:
        findings += [{"file": str(path), "rule": rule, "text": text} for rule, text in _of_signatures(paper)]
    findings += _of_chain(papers)
    if as_json:
        say_json({"sound": not findings, "findings": findings})
    else:
        with framed("EXERCISE" if any(paper.charter.mode == "EXERCISE" for _, paper in papers) else "REAL"):
            _say_checked(papers, findings)
    if findings:
        sys.exit(FINDINGS_EXIT_STATUS)


def _say_checked(papers: Sequence[tuple[Path, Paper]], findings: Sequence[Mapping[str, str]]) -> None:
    for path, paper in papers:
        charter = paper.charter
        say(
            f"{path}: charter number {charter.number} of {charter.channel}, {charter.mode}, digest {paper.digest.hex()}"
        )
        for party in charter.parties:
            say(f"  {party.id:<24} {party.role:<10} {card_fingerprint(party)}")
    for finding in findings:
        click.secho(f"finding: {finding['file']}: {marked_text(finding['text'])} [{finding['rule']}]", fg="red")
    if findings:
        say(f"{len(findings)} finding(s).")
    else:
        say("Sound: in force, and every signature verifies. Compare the fingerprints with those read aloud.")


def _of_signatures(paper: Paper) -> list[tuple[str, str]]:
    """NOTE-3, CHARTER-5, and lines of keys that the charter does not name."""
    try:
        missing = paper.missing
    except Malformed as fault:
        return [(fault.rule, fault.text)]
    found = [("CHARTER-5", f"the signature of {party}, a principal, is missing") for party in missing]
    roots = {(party.root.name, party.root.key_id) for party in paper.charter.parties}
    unknown = [line.name for line in paper.note.signatures if (line.name, line.key_id) not in roots]
    return found + [("NOTE-3", f"a signature of {name}, a key that this charter does not name") for name in unknown]


def _of_chain(papers: Sequence[tuple[Path, Paper]]) -> list[dict[str, str]]:
    """CHARTER-6, as far as the files given go; a single charter needs no chain."""
    found: list[dict[str, str]] = []
    for (_, old), (path, new) in pairwise(papers):
        try:
            check_amendment(old.charter, old.digest, new.charter)
            signers = verify_note(new.note, [party.root for party in new.charter.parties])
        except Malformed as fault:
            found.append({"file": str(path), "rule": fault.rule, "text": fault.text})
            continue
        for party in old.charter.principals:
            if party.root not in signers:
                text = f"the signature of {party.id}, a principal of the charter before, is missing"
                found.append({"file": str(path), "rule": "CHARTER-6", "text": text})
    return [one for number, one in enumerate(found) if one not in found[:number]]


def _say_parties(paper: Paper) -> None:
    rows = []
    for party in paper.charter.parties:
        signed = "signed" if party.id in paper.signed_by else ("MISSING" if party.role == "principal" else "not signed")
        rows.append((party.id, party.role, _names(party), signed))
    say_table(("party", "role", "name", "signature"), rows)
    say()
    say("Fingerprints. Each card's must be the one that its party reads aloud, before anyone signs. Keep the roots':")
    say("`detente verify` prints them with every evidence, so that you know whose record it is.")
    for party in paper.charter.parties:
        say(f"  {party.id:<24} card {card_fingerprint(party)}")
        say(f"  {'':<24} root {fingerprint(str(party.root))}")
    say()
    say_table(
        ("station", "its receipts state", "others dial it at"),
        [
            (
                f"{party.id}/{one.id}",
                "none are given" if one.statement == "none" else one.statement,
                ", ".join(one.bearers) or "-",
            )
            for party in paper.charter.parties
            for one in party.stations
        ],
    )


def _names(party: Party) -> str:
    return ", ".join(f"{marked_text(name)} ({language})" for language, name in party.name.items())


def _span(seconds: int) -> str:
    """3,600 as "1 h"."""
    for unit, word in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds % unit == 0 and seconds >= unit:
            count = seconds // unit
            return f"{count} {'day' if word == 'days' and count == 1 else word}"
    return f"{seconds} s"
