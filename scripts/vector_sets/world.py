"""One small world for all vectors: four parties, their keys, a charter and its amendment, book notes.

It keeps: texts are written here word for word as spec/3 gives them, in the layout that `detente` writes.
"""

from dataclasses import dataclass, field

from vector_sets.base import Key, b64, certificate, cosigner, digest, note, pq_cosigner, sha256, signing_key
from vector_sets.padding import DICTIONARY

CHANNEL = "vectors.example/line-abcdefgh234567aa"
START_S = 1_900_000_000  # 2030-03-17T17:46:40Z


@dataclass(frozen=True)
class Station:
    """A station. `tls` is the label of its certificate."""

    party: str
    id: str
    statement: str = "holds"
    pq: bool = False
    bearers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What its keys are named after."""
        return f"vectors.example/{self.party}/{self.id}"

    @property
    def cosigner(self) -> Key:
        """Its key of type 0x04."""
        return cosigner(f"{self.name}/cosigner", f"{self.name} cosigner")

    @property
    def pq_cosigner(self) -> Key:
        """Its key of type 0x06."""
        return pq_cosigner(f"{self.name}/pq", f"{self.name} pq")

    def lines(self, table: str) -> str:
        """Its table."""
        found = [f"[[{table}]]", f'id = "{self.id}"', f'statement = "{self.statement}"']
        if self.statement != "none":
            found.append(f'cosigner = "{self.cosigner.vkey}"')
        if self.pq:
            found.append(f'pq = "{self.pq_cosigner.vkey}"')
        found.append(f'tls = "{b64(certificate(self.name))}"')
        found.append("bearers = [" + ", ".join(f'"{one}"' for one in self.bearers) + "]")
        return "\n".join(["", *found, ""])


@dataclass(frozen=True)
class Party:
    """A party."""

    id: str
    role: str
    name: str
    stations: tuple[Station, ...]

    @property
    def root(self) -> Key:
        """Its root."""
        return signing_key(f"vectors.example/{self.id}/root", f"{self.id} root")

    def lines(self, id_key: str, table: str) -> str:
        """Its keys and the tables of its stations."""
        keys = f'{id_key} = "{self.id}"\nrole = "{self.role}"\nname.en = "{self.name}"\nroot = "{self.root.vkey}"\n'
        return keys + "".join(station.lines(table) for station in self.stations)

    def card(self) -> str:
        """The text of its card."""
        comment = "# The public keys of one party for one charter. Compare the fingerprint of this card by voice."
        return f"# Detente card, format 1\n\n{comment}\n{self.lines('party', 'station')}"

    def book(self, number: int) -> Key:
        """The key of one of its books."""
        origin = f"{CHANNEL}/{self.id}/{number}"
        return signing_key(origin, f"{origin} book")

    def book_note(self, number: int, station: str = "hq") -> str:
        """The text of a book note."""
        comment = "# The key below writes this book, at that station. Signed by the root of the party."
        return (
            f'# Detente book, format 1\n\n{comment}\nprotocol = 1\nchannel = "{CHANNEL}"\nparty = "{self.id}"\n'
            f'book = {number}\nstation = "{station}"\nkey = "{self.book(number).vkey}"\n'
        )

    def signed_book_note(self, number: int, station: str = "hq") -> bytes:
        """The octets of a book note."""
        text = self.book_note(number, station)
        return note(text, self.root.sign(text))


ALFA = Party(
    "alfa",
    "principal",
    "Alfa",
    (
        Station("alfa", "hq", pq=True, bearers=("tls://alfa.example:4433", "tls://[2001:db8::1]:4433")),
        Station("alfa", "field"),
    ),
)
BRAVO = Party("bravo", "principal", "Bravo", (Station("bravo", "hq", bearers=("tls://bravo.example:4433",)),))
HARBOUR = Party("harbour", "witness", "Harbour", (Station("harbour", "hq", "saw", pq=True),))
CHARLIE = Party("charlie", "observer", "Charlie", (Station("charlie", "hq", "none"),))
THREE = (ALFA, BRAVO, HARBOUR)
FOUR = (*THREE, CHARLIE)


@dataclass(frozen=True)
class Charter:
    """A charter. `amends` is the text of the one before."""

    parties: tuple[Party, ...]
    number: int = 1
    amends: str = ""
    mode: str = "REAL"
    dictionary: str = sha256(DICTIONARY).hex()
    clauses: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """The text."""
        amends = digest(self.amends).hex() if self.amends else ""
        text = (
            "# Detente charter, format 1\n\n# In force when the root of every principal has signed it.\n"
            f'protocol = 1\nmode = "{self.mode}"\nchannel = "{CHANNEL}"\nnumber = {self.number}\namends = "{amends}"\n'
            'title = "A line for vectors"\nlanguages = ["en"]\ncatalogue = ""\n'
            f'dictionary = "{self.dictionary}"\nscopes = ["incidents"]\nnever_suspended = ["distress"]\n'
            "\n# Check-ins: the first one, and the time between two of them in seconds.\n"
            "[contact]\nstart = 2030-03-17T17:46:40Z\nperiod_s = 3600\n"
            "\n# How soon a message is acknowledged, in seconds.\n"
            "[acknowledge_s]\nflash = 60\nimmediate = 300\npriority = 900\nroutine = 3600\n"
            "\n# How many officers release a message.\n"
            "[release]\nflash = 1\nimmediate = 1\npriority = 1\nroutine = 1\n"
            "\n# The most that one party writes in a day.\n"
            "[quota]\nentries_per_day = 1000\noctets_per_day = 1000000\n"
            "\n# When keys must be new, and how late a post-quantum receipt may come.\n"
            "[keys]\nmaximum_age_days = 30\npq_lag_days = 1\n"
        )
        for number, party in enumerate(self.parties, start=1):
            text += f"\n# Party {number} of {len(self.parties)}\n[[party]]\n{party.lines('id', 'party.station')}"
        for number, clause in enumerate(self.clauses, start=1):
            text += f'\n# Clause {number}\n[[clause]]\ntext.en = "{clause}"\n'
        return text

    def signed(self, *signers: Party) -> bytes:
        """The octets, signed by the roots of these parties."""
        return signed(self.text(), *signers)


def signed(text: str, *signers: Party) -> bytes:
    """A note signed by the roots of these parties."""
    return note(text, *(party.root.sign(text) for party in signers))


FIRST = Charter(THREE, clauses=("The parties keep this line open.",))
SECOND = Charter(FOUR, 2, FIRST.text(), clauses=("The parties keep this line open.",))
