"""The charters of a bundle as one chain (BUNDLE-2): CHARTER-1 to CHARTER-7 without what only a station can know.

It keeps: number 1 upward without a gap, each signed by every principal that it names and that the one before it names.
After a finding it goes on with every charter that can be read.
"""

from dataclasses import dataclass
from typing import NamedTuple

from detente.errors import Malformed
from detente.formats.card import fingerprint
from detente.formats.charter import Charter, Party, Station, check_amendment, parse_charter
from detente.ids import PartyId
from detente.tlog.note import Note, note_digest
from detente.tlog.vkeys import VerifierKey
from detente.verify.findings import CharterFound, Findings, PartyFound
from detente.verify.signatures import Place, check_lines, read_note


class Link(NamedTuple):
    """One charter of the chain with the digest that entries name."""

    charter: Charter
    digest: bytes
    signed_by: tuple[PartyId, ...]


class Cosigner(NamedTuple):
    """Whose key a cosigner's key is."""

    party: PartyId
    station: Station


@dataclass(frozen=True, slots=True)
class Chain:
    """The charters that could be read, in order; at least one."""

    links: tuple[Link, ...]

    @property
    def newest(self) -> Charter:
        """The last charter; it names every party, each in its place (CHARTER-6)."""
        return self.links[-1].charter

    def by_digest(self, digest: bytes) -> Charter | None:
        """The charter that an entry names, if the bundle has it."""
        return next((link.charter for link in self.links if link.digest == digest), None)

    def party(self, party_id: PartyId) -> Party | None:
        """The party with its root, if the newest charter names it."""
        return next((party for party in self.newest.parties if party.id == party_id), None)

    def has_station(self, party_id: PartyId, station_id: str) -> bool:
        """Whether any charter names this station."""
        parties = (party for link in self.links for party in link.charter.parties if party.id == party_id)
        return any(station.id == station_id for party in parties for station in party.stations)

    def cosigners(self) -> dict[VerifierKey, Cosigner]:
        """Every cosigner's key of every charter."""
        found: dict[VerifierKey, Cosigner] = {}
        for link in self.links:
            for party in link.charter.parties:
                for station in party.stations:
                    for key in (station.cosigner, station.pq):
                        if key is not None:
                            found[key] = Cosigner(party.id, station)
        return found

    def public_keys(self) -> set[bytes]:
        """Every raw public key that any charter names."""
        return {key.public for link in self.links for key in link.charter.vkeys()}

    def described(self) -> tuple[CharterFound, ...]:
        """The charters for the report."""
        return tuple(CharterFound(link.charter.number, link.digest, link.signed_by) for link in self.links)

    def parties(self) -> tuple[PartyFound, ...]:
        """The parties for the report, with the fingerprints of their roots (BUNDLE-10)."""
        return tuple(
            PartyFound(party.id, party.role, dict(party.name), fingerprint(str(party.root)))
            for party in self.newest.parties
        )


def read_chain(charters: tuple[bytes, ...], found: Findings) -> Chain | None:
    """BUNDLE-2. None if no charter can be read."""
    links: list[Link] = []
    for number, octets in enumerate(charters, start=1):
        place = Place("BUNDLE-2", f"charter {number}")
        note = read_note(octets, place, found)
        if note is None:
            continue
        try:
            charter = parse_charter(note.text)
        except Malformed as fault:
            found.find(place.check, fault.rule, place.where, fault.text)
            continue
        links.append(_link(charter, note, links[-1] if links else None, number, found))
    if links:
        return Chain(tuple(links))
    found.find("BUNDLE-2", "CHARTER-5", "charters", "no charter can be read, so nothing says whose record this is")
    return None


def _link(charter: Charter, note: Note, before: Link | None, number: int, found: Findings) -> Link:
    place = Place("BUNDLE-2", f"charter {number}")
    if charter.number != number:
        text = f"this is charter {charter.number}; the chain is complete from number 1"
        found.find(place.check, "CHARTER-6", place.where, text)
    principals = list(charter.principals)
    if before is not None:
        try:
            check_amendment(before.charter, before.digest, charter)
        except Malformed as fault:
            found.find(place.check, fault.rule, place.where, fault.text)
        principals += [party for party in before.charter.principals if party.root not in {p.root for p in principals}]
    signers = check_lines(note, [party.root for party in (*charter.parties, *principals)], {}, place, found)
    missing = [party.id for party in principals if party.root not in signers]
    if missing:
        text = f"it is not in force: the signature of {', '.join(missing)} is missing"
        found.find(place.check, "CHARTER-5", place.where, text)
    signed_by = tuple(party.id for party in charter.parties if party.root in signers)
    return Link(charter, note_digest(note.text), signed_by)
