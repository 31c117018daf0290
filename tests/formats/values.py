"""Values that the tests of the formats share: strategies for what the CDDL allows, and a small charter."""

from functools import cache

from hypothesis import strategies as st

from detente.crypto.certificates import make_certificate
from detente.crypto.hashing import sha256
from detente.crypto.signing import PqSigningKey, SigningKey
from detente.formats.canonical import Value
from detente.formats.card import Party, Station
from detente.formats.charter import Charter, Contact, KeyRules, PerPrecedence, Quota
from detente.formats.content import Content
from detente.formats.entry import Leaf
from detente.formats.frame import EntryItem, Subtree
from detente.ids import Milliseconds, PartyId, Ref
from detente.limits import INDEX_MAX
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE, VerifierKey, verifier_key

CHANNEL = "hotline.example/alfa-bravo-abcdefghij234567"

digests = st.binary(min_size=32, max_size=32)
counts = st.integers(0, INDEX_MAX - 1)
slots = counts | st.lists(counts, min_size=2, max_size=64).map(tuple)
seens = st.lists(slots, min_size=2, max_size=16).map(tuple)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
party_ids = st.from_regex(r"[a-z][a-z0-9-]{0,23}", fullmatch=True).map(PartyId)
bodies = st.binary(min_size=1, max_size=60)

leaves = st.builds(
    Leaf,
    kind=st.integers(0, 23),
    at=st.integers(0, 2**48 - 1),
    precedence=st.integers(0, 3),
    epoch=counts,
    seen=seens,
    view=digests,
    body_size=st.integers(1, 16_384),
    body_hash=digests,
)
subtrees = st.builds(Subtree, level=st.integers(0, 40), digest=digests)


def entry_items(views: st.SearchStrategy[bytes | None]) -> st.SearchStrategy[EntryItem]:
    """Entries as they stand in frames and bundles."""
    return st.builds(
        EntryItem,
        kind=st.integers(0, 23),
        at=st.integers(0, 2**48 - 1),
        precedence=st.integers(0, 3),
        epoch=counts,
        seen=seens,
        view=views,
        body=bodies,
    )


values: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=300) | texts,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)

contents = st.builds(
    Content,
    form=st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True),
    to=st.lists(party_ids, max_size=3).map(tuple),
    info=st.lists(party_ids, max_size=3).map(tuple),
    by=st.none() | texts.filter(bool).map(lambda text: text[:50]),
    lang=st.none() | st.from_regex(r"[a-z]{2}", fullmatch=True),
    text=st.none() | texts,
    re=st.lists(st.builds(Ref, party_ids, st.integers(1, 64), counts), max_size=3).map(tuple),
    part=st.none() | st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))),
    fields=st.none() | st.dictionaries(texts, values, max_size=3),
)


def one_bit_flips(data: bytes) -> list[bytes]:
    """`data` with each of its bits turned, one at a time."""
    return [data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)]


def seed(label: str) -> bytes:
    """A seed of 32 octets for the key of that label."""
    return sha256(label.encode())


@cache
def vkey(label: str, kind: int) -> VerifierKey:
    """The verifier key of a label; the label is its name."""
    maker = PqSigningKey if kind == PQ_COSIGNATURE else SigningKey
    return verifier_key(label, kind, maker(seed(label)).public)


def root_name(party: str) -> str:
    """The name of a party's root key."""
    return f"example/{party}-root"


@cache
def certificate(label: str) -> bytes:
    """A TLS certificate in DER."""
    return make_certificate(seed(f"tls {label}"), label, 1_900_000_000, 2_200_000_000, 1)


def station(party: str, name: str = "main", *, statement: str = "holds", pq: bool = False) -> Station:
    """A station with keys of its own."""
    label = f"example/{party}-{name}"
    return Station(
        id=name,
        statement=statement,
        cosigner=None if statement == "none" else vkey(f"{label}-cosigner", COSIGNATURE),
        pq=vkey(f"{label}-pq", PQ_COSIGNATURE) if pq else None,
        tls=certificate(label),
        bearers=(f"tls://{party}.example:4433", "serial:line-1", "courier:weekly"),
    )


def party(name: str, role: str = "principal", *stations: Station) -> Party:
    """A party with one station unless told otherwise."""
    return Party(
        id=PartyId(name),
        role=role,
        name={"en": f"Party {name}", "uk": "\u0421\u0442\u043e\u0440\u043e\u043d\u0430"},
        root=vkey(root_name(name), ED25519),
        stations=stations or (station(name),),
    )


def charter(*parties: Party) -> Charter:
    """Charter number 1 of two principals and a witness unless told otherwise."""
    return Charter(
        mode="EXERCISE",
        channel=CHANNEL,
        number=1,
        amends=None,
        title="A channel for tests",
        languages=("en", "uk"),
        catalogue=None,
        dictionary=sha256(b"dictionary"),
        scopes=("incidents", "talks"),
        never_suspended=("distress", "medical"),
        contact=Contact(Milliseconds(1_900_000_000_000), 3_600),
        acknowledge_s=PerPrecedence(300, 900, 3_600, 14_400),
        release=PerPrecedence(1, 1, 2, 2),
        quota=Quota(5_000, 50_000_000),
        keys=KeyRules(90, 7),
        parties=parties
        or (
            party("alfa", "principal", station("alfa", pq=True), station("alfa", "reserve", statement="none")),
            party("bravo"),
            party("watcher", "witness", station("watcher", statement="saw")),
        ),
        clauses=({"en": 'The parties keep this channel "open".\n\nDay and night.', "uk": "\u0422\u0430\u043a."},),
    )
