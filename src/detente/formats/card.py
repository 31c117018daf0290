"""Cards: a party's public keys for one charter (spec/3), and what a card and a charter share: parties and stations.

It keeps: names, keys and addresses have their shapes, a station that says nothing has no cosigner, no key or name of a
key occurs twice in one text. Whether the root has signed is asked where the note is at hand.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from detente.errors import Malformed
from detente.formats.toml_note import Table, Writer, read_document, refusals_at
from detente.ids import PartyId
from detente.limits import STATIONS_PER_PARTY_MAX
from detente.tlog import base64
from detente.tlog.note import VerifierKey, note_digest
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE

CARD_FIRST_LINE: Final = "# Detente card, format 1"
ROLES: Final = ("principal", "mediator", "observer", "witness")
STATEMENTS: Final = ("holds", "saw", "none")
BEARERS_MAX: Final = 16
FINGERPRINT_OCTETS: Final = 20  # CARD-2

_ADDRESS: Final = re.compile(
    r"tls://(?:[a-z0-9](?:[a-z0-9.-]{0,252})|\[[0-9a-f:.]{2,45}\]):([1-9][0-9]{0,4})"
    r"|(?:serial|courier):[a-z0-9][a-z0-9-]{0,62}"
)
_ADDRESSES: Final = "addresses like tls://host.example:4433, serial:line-1 or courier:weekly"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Station:
    """One machine of a party: what its cosignature states, its keys, the DER certificate of its links, addresses."""

    id: str
    statement: str
    cosigner: VerifierKey | None
    pq: VerifierKey | None
    tls: bytes
    bearers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Party:
    """One party with its root and stations; `name` by language code."""

    id: PartyId
    role: str
    name: Mapping[str, str]
    root: VerifierKey
    stations: tuple[Station, ...]

    def vkeys(self) -> Iterator[VerifierKey]:
        """Its root, then the cosigners of its stations."""
        yield self.root
        for station in self.stations:
            yield from (key for key in (station.cosigner, station.pq) if key is not None)

    def station(self, station_id: str) -> Station:
        """The station with this id. Raises Malformed if there is none."""
        for station in self.stations:
            if station.id == station_id:
                return station
        raise Malformed(f"the party {self.id} has no station {station_id!r}", rule="CHARTER-4")


def parse_card(text: str) -> Party:
    """The party that a card describes. Raises Malformed."""
    table = read_document(text, CARD_FIRST_LINE)
    party = read_party(table, "party")
    table.done()
    check_keys([party])
    return party


def write_card(party: Party) -> str:
    """The text of a party's card. Raises LocalMisuse for what no card can hold."""
    writer = Writer(CARD_FIRST_LINE)
    writer.comment("The public keys of one party for one charter. Compare the fingerprint of this card by voice.")
    write_party(writer, party, "party", "station")
    return writer.document(parse_card, party)


def fingerprint(text: str) -> str:
    """CARD-2: what people read aloud, ten groups of four hexadecimal digits."""
    digits = note_digest(text)[:FINGERPRINT_OCTETS].hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


# --- shared with the charter


def read_party(table: Table, id_key: str) -> Party:
    """The keys of a party, under `party` in a card or `id` in a charter. The caller asks `table.done()`."""
    party_id = table.party_id(id_key)
    role = table.choice("role", ROLES)
    name = table.names("name")
    root = table.vkey("root", ED25519)
    stations = tuple(map(_read_station, table.tables("station", least=1, most=STATIONS_PER_PARTY_MAX)))
    for station_id, times in Counter(station.id for station in stations).items():
        if times > 1:
            raise Malformed(f"the party {party_id} has two stations {station_id!r}", rule="CHARTER-4")
    return Party(party_id, role, name, root, stations)


def write_party(writer: Writer, party: Party, id_key: str, station_table: str) -> None:
    """The lines of a party."""
    writer.put(id_key, party.id)
    writer.put("role", party.role)
    writer.put_names("name", party.name)
    writer.put("root", str(party.root))
    for station in party.stations:
        writer.table_of_array(station_table)
        writer.put("id", station.id)
        writer.put("statement", station.statement)
        if station.cosigner is not None:
            writer.put("cosigner", str(station.cosigner))
        if station.pq is not None:
            writer.put("pq", str(station.pq))
        writer.put("tls", base64.encode(station.tls))
        writer.put("bearers", station.bearers)


def check_keys(parties: Sequence[Party]) -> None:
    """CHARTER-3, CHARTER-4: no raw public key, certificate or name of a key occurs twice. Raises Malformed."""
    vkeys = [key for party in parties for key in party.vkeys()]
    certificates = [station.tls for party in parties for station in party.stations]
    for name, times in Counter(key.name for key in vkeys).items():
        if times > 1:
            raise Malformed(f"two keys have the name {name!r}; give each key its own", rule="CHARTER-4")
    for octets, times in Counter([key.public for key in vkeys] + certificates).items():
        if times > 1:
            owners = ", ".join(key.name for key in vkeys if key.public == octets) or "two stations"
            raise Malformed(
                f"one key or certificate occurs twice ({owners}); make a new one for each", rule="CHARTER-3"
            )
    # KEY-3: a certificate holds its public key as it is, so that a key used for links as well is found without a parser
    for key in vkeys:
        if any(key.public in certificate for certificate in certificates):
            raise Malformed(f"the key {key.name!r} is also the key of a certificate; make a new one", rule="CHARTER-3")


def _read_station(table: Table) -> Station:
    station_id = table.party_id("id")
    statement = table.choice("statement", STATEMENTS)
    cosigner = table.vkey("cosigner", COSIGNATURE) if table.has("cosigner") else None
    pq = table.vkey("pq", PQ_COSIGNATURE) if table.has("pq") else None
    if statement == "none" and (cosigner or pq):
        raise Malformed(
            f'the station {station_id} has the statement "none", so no cosigner and no pq key', rule="spec/3"
        )
    if statement != "none" and cosigner is None:
        raise Malformed(f'the station {station_id} states "{statement}", so it needs a cosigner key', rule="spec/3")
    encoded = table.text("tls", "a DER certificate in base64", _BASE64)
    with refusals_at(f"the certificate of station {station_id}"):
        tls = base64.decode(encoded, "spec/3")
        _check_der_sequence(tls)
    bearers = table.texts(
        "bearers",
        "addresses like tls://host.example:4433, serial:line-1 or courier:weekly",
        _ADDRESS,
        least=0,
        most=BEARERS_MAX,
    )
    for address in bearers:
        if address.startswith("tls:") and int(address.rsplit(":", 1)[1]) > 65_535:
            raise Malformed(f"{address!r} has a port above 65535", rule="spec/3")
    table.done()
    return Station(station_id, statement, cosigner, pq, tls, bearers)


def _check_der_sequence(octets: bytes) -> None:
    """One DER SEQUENCE and nothing after it: the outer shape of a certificate (X.690, 8.1). TLS reads the rest."""
    long_form = len(octets) >= 4 and octets[0] == 0x30 and octets[1] in (0x81, 0x82)
    width = octets[1] - 0x80 if long_form else 0
    if not long_form or int.from_bytes(octets[2 : 2 + width], "big") != len(octets) - 2 - width:
        raise Malformed("expected one X.509 certificate in DER", rule="spec/3")
