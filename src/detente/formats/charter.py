"""Charters: the one text that all parties of a channel sign (spec/3).

It keeps: CHARTER-1, 3 and 4, which concern one text alone, the structure of an amendment (CHARTER-6), and whose
signatures a charter has (CHARTER-5). What is known from other charters (CHARTER-2) is the roster's business.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from detente.errors import Malformed
from detente.formats.card import Party, Station, check_keys, read_party, write_party
from detente.formats.toml_note import LANGUAGE, Table, Writer, read_document
from detente.ids import Milliseconds, PartyId
from detente.limits import PARTIES_MAX
from detente.tlog.note import Note, VerifierKey, verify_note

__all__ = [
    "CHARTER_FIRST_LINE",
    "Charter",
    "Contact",
    "KeyRules",
    "Party",
    "PerPrecedence",
    "Quota",
    "Station",
    "check_amendment",
    "parse_charter",
    "principals_missing",
    "principals_signed",
    "write_charter",
]

CHARTER_FIRST_LINE: Final = "# Detente charter, format 1"
PROTOCOL: Final = 1
MODES: Final = ("REAL", "EXERCISE")
PRECEDENCES: Final = ("flash", "immediate", "priority", "routine")
CHANNEL: Final = re.compile(r"[a-z0-9.-]+/[a-z0-9-]*[a-z2-7]{16}")  # CHARTER-1
CHANNEL_OCTETS_MAX: Final = 225  # so that an origin, with `/<party id>/<book>` after it, is a key name (KEY-1)
NUMBER_MAX: Final = 65_535
TITLE_CHARACTERS_MAX: Final = 200
LIST_MAX: Final = 64
SECONDS_MAX: Final = 366 * 86_400
DAYS_MAX: Final = 36_600
OFFICERS_MAX: Final = 9
QUOTA_MAX: Final = 10**12
CLAUSES_MAX: Final = 200
CLAUSE_CHARACTERS_MAX: Final = 20_000

_CHANNEL_EXPECTED = "a name like hotline.example/alfa-bravo-, then 16 characters a-z or 2-7 from 80 random bits"
_SCOPE = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class PerPrecedence:
    """One number for each precedence."""

    flash: int
    immediate: int
    priority: int
    routine: int


@dataclass(frozen=True, slots=True)
class Contact:
    """When the parties call each other: from `start`, once in `period_s` seconds."""

    start: Milliseconds
    period_s: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What one party may write in a day."""

    entries_per_day: int
    octets_per_day: int


@dataclass(frozen=True, slots=True)
class KeyRules:
    """When HPKE keys must be new, and how late a post-quantum receipt may come."""

    maximum_age_days: int
    pq_lag_days: int


@dataclass(frozen=True, slots=True)
class Charter:
    """A charter. Digests are 32 octets or None; `release` is in officers; `clauses` are texts by language code."""

    mode: str
    channel: str
    number: int
    amends: bytes | None
    title: str
    languages: tuple[str, ...]
    catalogue: bytes | None
    dictionary: bytes | None
    scopes: tuple[str, ...]
    never_suspended: tuple[str, ...]
    contact: Contact
    acknowledge_s: PerPrecedence
    release: PerPrecedence
    quota: Quota
    keys: KeyRules
    parties: tuple[Party, ...]
    clauses: tuple[Mapping[str, str], ...]

    def place(self, party_id: str) -> int:
        """The party's place in the list, from 0. Raises Malformed if there is no such party."""
        for place, party in enumerate(self.parties):
            if party.id == party_id:
                return place
        raise Malformed(f"the charter names no party {party_id!r}", rule="CHARTER-4")

    def party(self, party_id: str) -> Party:
        """The party with this id. Raises Malformed if there is none."""
        return self.parties[self.place(party_id)]

    def vkeys(self) -> Iterator[VerifierKey]:
        """Every verifier key of every party, in the order of the text."""
        for party in self.parties:
            yield from party.vkeys()

    @property
    def principals(self) -> tuple[Party, ...]:
        """The parties whose signatures bring the charter into force."""
        return tuple(party for party in self.parties if party.role == "principal")


def parse_charter(text: str) -> Charter:
    """The charter in the text of a note. Raises Malformed (spec/3, CHARTER-1, 3, 4)."""
    table = read_document(text, CHARTER_FIRST_LINE)
    table.number("protocol", PROTOCOL, PROTOCOL)
    mode = table.choice("mode", MODES)
    channel = read_channel(table)
    number = table.number("number", 1, NUMBER_MAX)
    amends = table.digest("amends")
    if (amends is None) != (number == 1):
        raise Malformed(
            'amends is "" for number 1, and the digest of the charter before for the others', rule="CHARTER-6"
        )
    charter = Charter(
        mode=mode,
        channel=channel,
        number=number,
        amends=amends,
        title=table.line("title", "a title in one line", TITLE_CHARACTERS_MAX),
        languages=table.texts("languages", "language codes of two letters", LANGUAGE, least=1, most=LIST_MAX),
        catalogue=table.digest("catalogue"),
        dictionary=table.digest("dictionary"),
        scopes=table.texts("scopes", "names of 1 to 40 characters a-z, 0-9 or -", _SCOPE, least=0, most=LIST_MAX),
        never_suspended=table.texts(
            "never_suspended", "names of 1 to 40 characters a-z, 0-9 or -", _SCOPE, least=0, most=LIST_MAX
        ),
        contact=_read_contact(table.table("contact")),
        acknowledge_s=_read_per_precedence(table.table("acknowledge_s"), SECONDS_MAX),
        release=_read_per_precedence(table.table("release"), OFFICERS_MAX),
        quota=_read_quota(table.table("quota")),
        keys=_read_keys(table.table("keys")),
        parties=tuple(map(_read_party, table.tables("party", least=2, most=PARTIES_MAX))),
        clauses=tuple(map(_read_clause, table.tables("clause", least=0, most=CLAUSES_MAX))),
    )
    table.done()
    _check_parties(charter)
    return charter


def write_charter(charter: Charter) -> str:
    """The text of a charter, to be read, printed and signed. Raises LocalMisuse for what no charter can hold."""
    writer = Writer(CHARTER_FIRST_LINE)
    writer.comment("In force when the root of every principal has signed it.")
    writer.put("protocol", PROTOCOL)
    writer.put("mode", charter.mode)
    writer.put("channel", charter.channel)
    writer.put("number", charter.number)
    writer.put("amends", _hexadecimal(charter.amends))
    writer.put("title", charter.title)
    writer.put("languages", charter.languages)
    writer.put("catalogue", _hexadecimal(charter.catalogue))
    writer.put("dictionary", _hexadecimal(charter.dictionary))
    writer.put("scopes", charter.scopes)
    writer.put("never_suspended", charter.never_suspended)
    writer.comment("Check-ins: the first one, and the time between two of them in seconds.")
    writer.table("contact")
    writer.put_moment("start", charter.contact.start)
    writer.put("period_s", charter.contact.period_s)
    writer.comment("How soon a message is acknowledged, in seconds.")
    _write_per_precedence(writer, "acknowledge_s", charter.acknowledge_s)
    writer.comment("How many officers release a message.")
    _write_per_precedence(writer, "release", charter.release)
    writer.comment("The most that one party writes in a day.")
    writer.table("quota")
    writer.put("entries_per_day", charter.quota.entries_per_day)
    writer.put("octets_per_day", charter.quota.octets_per_day)
    writer.comment("When keys must be new, and how late a post-quantum receipt may come.")
    writer.table("keys")
    writer.put("maximum_age_days", charter.keys.maximum_age_days)
    writer.put("pq_lag_days", charter.keys.pq_lag_days)
    for number, party in enumerate(charter.parties, start=1):
        writer.comment(f"Party {number} of {len(charter.parties)}")
        writer.table_of_array("party")
        write_party(writer, party, "id", "party.station")
    for number, clause in enumerate(charter.clauses, start=1):
        writer.comment(f"Clause {number}")
        writer.table_of_array("clause")
        writer.put_names("text", clause)
    return writer.document(parse_charter, charter)


def check_amendment(old: Charter, old_digest: bytes, new: Charter) -> None:
    """CHARTER-6 without the signatures: raise Malformed unless `new` amends `old`, whose text has `old_digest`."""
    if new.number != old.number + 1:
        raise Malformed(f"charter {new.number} does not follow charter {old.number}", rule="CHARTER-6")
    if new.amends != old_digest:
        raise Malformed(f"charter {new.number} amends another charter {old.number} than the one held", rule="CHARTER-6")
    if (new.channel, new.mode, new.dictionary) != (old.channel, old.mode, old.dictionary):
        raise Malformed("an amendment keeps the channel, the mode and the dictionary", rule="CHARTER-6")
    for place, party in enumerate(old.parties):
        if place >= len(new.parties) or new.parties[place].id != party.id:
            raise Malformed(f"an amendment keeps the party {party.id} at place {place + 1}", rule="CHARTER-6")
        if new.parties[place].root != party.root:
            raise Malformed(f"an amendment keeps the root of {party.id}", rule="CHARTER-6")


def principals_signed(charter: Charter, note: Note) -> tuple[PartyId, ...]:
    """The principals whose roots have signed, in the charter's order. Every root's signature is checked (CHARTER-5).

    Raises Malformed (NOTE-3) if a signature of any party's root does not verify.
    """
    signers = set(verify_note(note, [party.root for party in charter.parties]))
    return tuple(party.id for party in charter.principals if party.root in signers)


def principals_missing(charter: Charter, note: Note) -> tuple[PartyId, ...]:
    """The principals who have not signed; none is what CHARTER-5 asks for. Raises Malformed (NOTE-3)."""
    signed = principals_signed(charter, note)
    return tuple(party.id for party in charter.principals if party.id not in signed)


def read_channel(table: Table) -> str:
    """CHARTER-1. Shared with the book note."""
    channel = table.text("channel", _CHANNEL_EXPECTED, CHANNEL)
    if len(channel) > CHANNEL_OCTETS_MAX:
        raise table.refused("channel", f"at most {CHANNEL_OCTETS_MAX} characters", channel)
    return channel


def _check_parties(charter: Charter) -> None:
    ids = [party.id for party in charter.parties]
    for party_id in ids:
        if ids.count(party_id) > 1:
            raise Malformed(f"two parties have the id {party_id!r}", rule="CHARTER-4")
    if len(charter.principals) < 2:
        raise Malformed("a charter has at least two principals", rule="CHARTER-4")
    check_keys(charter.parties)


def _read_party(table: Table) -> Party:
    party = read_party(table, "id")
    table.done()
    return party


def _read_clause(table: Table) -> Mapping[str, str]:
    text = table.names("text", CLAUSE_CHARACTERS_MAX, lines=True)
    table.done()
    return text


def _read_contact(table: Table) -> Contact:
    contact = Contact(table.moment("start"), table.number("period_s", 1, SECONDS_MAX))
    table.done()
    return contact


def _read_quota(table: Table) -> Quota:
    quota = Quota(table.number("entries_per_day", 1, QUOTA_MAX), table.number("octets_per_day", 1, QUOTA_MAX))
    table.done()
    return quota


def _read_keys(table: Table) -> KeyRules:
    keys = KeyRules(table.number("maximum_age_days", 1, DAYS_MAX), table.number("pq_lag_days", 0, DAYS_MAX))
    table.done()
    return keys


def _read_per_precedence(table: Table, most: int) -> PerPrecedence:
    values = PerPrecedence(*(table.number(name, 1, most) for name in PRECEDENCES))
    table.done()
    return values


def _write_per_precedence(writer: Writer, name: str, values: PerPrecedence) -> None:
    writer.table(name)
    for precedence in PRECEDENCES:
        writer.put(precedence, getattr(values, precedence))


def _hexadecimal(digest: bytes | None) -> str:
    return "" if digest is None else digest.hex()
