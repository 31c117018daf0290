"""Cards and charters as in spec/3-charter.md (CARD-1, CARD-2, CHARTER-1 to CHARTER-5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.reference import toml_text as toml
from tests.reference.encoding import sha256
from tests.reference.keys import COSIGNER, ED25519, POST_QUANTUM, VerifierKey
from tests.reference.notes import Note, parse_note, signers
from tests.reference.refusal import Refusal, require

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

CARD_LINE = "# Detente card, format 1"
CHARTER_LINE = "# Detente charter, format 1"
CHANNEL = re.compile(r"[a-z0-9.-]+/[a-z0-9-]*[a-z2-7]{16}")  # CHARTER-1
ROLES = ("principal", "mediator", "observer", "witness")
STATEMENTS = ("holds", "saw", "none")
PRECEDENCES = ("flash", "immediate", "priority", "routine")
LONGEST_PERIOD = 31_622_400


@dataclass(frozen=True)
class Station:
    """A station of a party."""

    id: str
    statement: str
    cosigner: VerifierKey | None
    pq: VerifierKey | None
    tls: bytes
    bearers: tuple[str, ...]

    @property
    def cosigners(self) -> list[VerifierKey]:
        """The keys with which it gives receipts."""
        return [key for key in (self.cosigner, self.pq) if key is not None]


@dataclass(frozen=True)
class Party:
    """A party with its public keys."""

    id: str
    role: str
    names: dict[str, str]
    root: VerifierKey
    stations: tuple[Station, ...]

    @property
    def keys(self) -> list[VerifierKey]:
        """All vkeys of the party."""
        return [self.root, *(key for station in self.stations for key in station.cosigners)]


@dataclass(frozen=True)
class Charter:
    """A charter: what the other rules ask of it, and its text's digest."""

    digest: bytes
    mode: str
    channel: str
    number: int
    amends: bytes | None
    dictionary: bytes | None
    parties: tuple[Party, ...]

    @property
    def principals(self) -> list[Party]:
        """The parties whose roots put it in force (CHARTER-5)."""
        return [party for party in self.parties if party.role == "principal"]

    @property
    def keys(self) -> list[VerifierKey]:
        """All vkeys of the charter."""
        return [key for party in self.parties for key in party.keys]

    @property
    def certificates(self) -> list[bytes]:
        """All certificates of the charter."""
        return [station.tls for party in self.parties for station in party.stations]

    def place(self, party: str) -> int | None:
        """Return the place of a party, or None."""
        return next((place for place, known in enumerate(self.parties) if known.id == party), None)

    def party(self, name: str) -> Party | None:
        """Return a party by its id, or None."""
        return next((party for party in self.parties if party.id == name), None)


def _station(table: toml.Table) -> Station:
    """Read one station."""
    station = Station(
        id=toml.identifier(table.take("id")),
        statement=toml.one_of(table.take("statement"), STATEMENTS, "statement"),
        cosigner=table.optional_vkey("cosigner", COSIGNER),
        pq=table.optional_vkey("pq", POST_QUANTUM),
        tls=toml.certificate(table.take("tls")),
        bearers=tuple(toml.listed(table.take("bearers"), 0, 16, toml.address, "bearers")),
    )
    table.end()
    silent = station.statement == "none"
    require(silent == (station.cosigner is None), toml.RULE, "cosigner is absent exactly when the statement is none")
    require(not silent or station.pq is None, toml.RULE, "pq never stands with the statement none")
    return station


def _party(table: toml.Table, key_of_id: str) -> Party:
    """Read one party, the tables of its stations among it."""
    party = Party(
        id=toml.identifier(table.take(key_of_id)),
        role=toml.one_of(table.take("role"), ROLES, "role"),
        names=toml.by_language(table.table("name"), 120),
        root=toml.vkey(table.take("root"), ED25519),
        stations=tuple(_station(station) for station in table.tables("station")),
    )
    table.end()
    require(1 <= len(party.stations) <= 8, "CHARTER-4", "a party has 1 to 8 stations")
    identifiers = [station.id for station in party.stations]
    require(len(set(identifiers)) == len(identifiers), "CHARTER-4", "two stations of a party with one id")
    return party


def _check_keys(parties: Sequence[Party]) -> None:
    """Refuse keys that stand twice, or within a certificate, or under one name (CHARTER-3, CHARTER-4)."""
    keys = [key for party in parties for key in party.keys]
    publics = [key.public for key in keys]
    certificates = [station.tls for party in parties for station in party.stations]
    require(len(set(publics)) == len(publics), "CHARTER-3", "a raw public key stands twice")
    require(len(set(certificates)) == len(certificates), "CHARTER-3", "a certificate stands twice")
    within = any(public in certificate for public in publics for certificate in certificates)
    require(not within, "CHARTER-3", "a raw public key stands within a certificate")
    names = [key.name for key in keys]
    require(len(set(names)) == len(names), "CHARTER-4", "two vkeys with one name")


def parse_card(text: bytes) -> Party:
    """Read the text of a card."""
    party = _party(toml.parse_text(text, CARD_LINE), "party")
    _check_keys([party])
    return party


def read_card(octets: bytes) -> tuple[Party, Note]:
    """Read a card that is signed by its own root (CARD-1)."""
    note = parse_note(octets)
    party = parse_card(note.text)
    require(party.root in signers(note, [party.root]), "CARD-1", "the card is not signed by its own root")
    return party, note


def fingerprint(text: bytes) -> str:
    """Return the fingerprint that people compare by voice (CARD-2)."""
    digits = sha256(text)[:20].hex()
    return " ".join(digits[place : place + 4] for place in range(0, 40, 4))


def _moment_and_periods(table: toml.Table) -> None:
    """Read the tables of times, officers, quotas and ages; the reader asks nothing more of them."""
    contact = table.table("contact")
    _: dt.datetime = toml.moment(contact.take("start"), "start")
    toml.integer(contact.take("period_s"), 1, LONGEST_PERIOD, "period_s")
    acknowledge, release = table.table("acknowledge_s"), table.table("release")
    for precedence in PRECEDENCES:
        toml.integer(acknowledge.take(precedence), 1, LONGEST_PERIOD, f"acknowledge_s.{precedence}")
        toml.integer(release.take(precedence), 1, 9, f"release.{precedence}")
    quota, keys = table.table("quota"), table.table("keys")
    toml.integer(quota.take("entries_per_day"), 1, 10**12, "entries_per_day")
    toml.integer(quota.take("octets_per_day"), 1, 10**12, "octets_per_day")
    toml.integer(keys.take("maximum_age_days"), 1, 36_600, "maximum_age_days")
    toml.integer(keys.take("pq_lag_days"), 0, 36_600, "pq_lag_days")
    for read in (contact, acknowledge, release, quota, keys):
        read.end()


def _clauses(table: toml.Table) -> None:
    """Read the clauses."""
    clauses = table.tables("clause")
    require(len(clauses) <= 200, toml.RULE, "more than 200 clauses")
    for clause in clauses:
        toml.by_language(clause.table("text"), 20_000, newlines=True)
        clause.end()


def parse_charter(text: bytes) -> Charter:
    """Read the text of a charter."""
    table = toml.parse_text(text, CHARTER_LINE)
    toml.integer(table.take("protocol"), 1, 1, "protocol")
    mode = toml.one_of(table.take("mode"), ("REAL", "EXERCISE"), "mode")
    channel = check_channel(table.take("channel"))
    number = toml.integer(table.take("number"), 1, 65_535, "number")
    amends = toml.digest(table.take("amends"), "amends")
    require((amends is None) == (number == 1), "CHARTER-6", "amends is empty for number 1 and no other")
    toml.line(table.take("title"), 200, "title")
    toml.listed(table.take("languages"), 1, 64, toml.language, "languages")
    toml.digest(table.take("catalogue"), "catalogue")
    dictionary = toml.digest(table.take("dictionary"), "dictionary")
    for key in ("scopes", "never_suspended"):
        toml.listed(table.take(key), 0, 64, toml.scope, key)
    _moment_and_periods(table)
    parties = tuple(_party(party, "id") for party in table.tables("party"))
    _clauses(table)
    table.end()
    require(2 <= len(parties) <= 16, "CHARTER-4", "a charter has 2 to 16 parties")
    require(len({party.id for party in parties}) == len(parties), "CHARTER-4", "two parties with one id")
    _check_keys(parties)
    charter = Charter(sha256(text), mode, channel, number, amends, dictionary, parties)
    require(len(charter.principals) >= 2, "CHARTER-4", "fewer than two principals")
    return charter


def check_channel(value: object) -> str:
    """Take a channel name (CHARTER-1)."""
    if not isinstance(value, str):
        raise Refusal(toml.RULE, "channel is not a text")
    require(CHANNEL.fullmatch(value) is not None, "CHARTER-1", "a channel name of a wrong form")
    require(len(value.encode("utf-8")) <= 225, "CHARTER-1", "a channel name of more than 225 octets")
    return value


def read_charter(octets: bytes) -> tuple[Charter, Note]:
    """Read a charter note; the signatures of roots that it bears must verify (CHARTER-5)."""
    note = parse_note(octets)
    charter = parse_charter(note.text)
    signers(note, [party.root for party in charter.parties])
    return charter, note


def missing_principals(charter: Charter, note: Note) -> list[str]:
    """Name the principals whose root has not signed; the charter is in force when there is none (CHARTER-5)."""
    signed = signers(note, [party.root for party in charter.parties])
    return [party.id for party in charter.principals if party.root not in signed]


def check_in_force(charter: Charter, note: Note) -> None:
    """Refuse a charter that is not in force (CHARTER-5)."""
    missing = missing_principals(charter, note)
    require(not missing, "CHARTER-5", f"not signed by the root of {', '.join(missing)}")
