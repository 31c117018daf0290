"""Epochs and sealed bodies as in spec/5-sealing.md (EPOCH-1 to EPOCH-6, SEAL-1 to SEAL-6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from tests.reference import padding
from tests.reference.bodies import HPKE_KEY, WRAP, Keys
from tests.reference.contents import Content, read_content
from tests.reference.encoding import encode, hmac_sha256, sha256
from tests.reference.refusal import Refusal, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reference.books import Head
    from tests.reference.charter import Charter

SUITE_NUMBERS = [25722, 1, 3]  # EPOCH-5
SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
ML_KEM_KEY = 1_184  # KEY-4
MAXIMUM_WRAPS = 12  # EPOCH-6
SHORTEST_BODY = 48  # SEAL-6: the commitment and a tag
NONCE = bytes(12)


class Unopened(Refusal):
    """An entry that cannot be opened, with the reason of SEAL-6."""

    def __init__(self, reason: str, refusal: Refusal) -> None:
        """Keep the reason beside the refusal."""
        super().__init__(refusal.rule, refusal.why)
        self.reason = reason


@dataclass(frozen=True)
class ReaderKey:
    """The private half of an HPKE key (KEY-4)."""

    private: MLKEM768X25519PrivateKey
    public: bytes

    @property
    def digest(self) -> bytes:
        """The name of the key."""
        return sha256(self.public)


def reader_key(ml_kem_seed: bytes, x25519: bytes) -> ReaderKey:
    """Make a reader key from the 64 octets of its ML-KEM seed and the 32 of its X25519 key."""
    ml_kem, curve = MLKEM768PrivateKey.from_seed_bytes(ml_kem_seed), X25519PrivateKey.from_private_bytes(x25519)
    public = ml_kem.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    require(len(public) == HPKE_KEY, "KEY-4", "an HPKE key has 1,216 octets")
    return ReaderKey(MLKEM768X25519PrivateKey(ml_kem, curve), public)


def epoch_check(secret: bytes, origin: str, index: int) -> bytes:
    """Compute `check` (EPOCH-3)."""
    return hmac_sha256(secret, encode(["detente/1 epoch", origin, index]))


@dataclass(frozen=True)
class WrapPlace:
    """Where a wrap stands and for whom it is: what its `info` binds (EPOCH-5)."""

    channel: str
    origin: str
    index: int
    audience: Sequence[str]
    reader: str
    reader_key: bytes
    check: bytes

    def info(self) -> bytes:
        """Write the HPKE info."""
        return encode(
            [
                "detente/1 wrap",
                SUITE_NUMBERS,
                self.channel,
                self.origin,
                self.index,
                list(self.audience),
                self.reader,
                self.reader_key,
                self.check,
            ]
        )


def wrap_to(public: bytes, secret: bytes, info: bytes) -> bytes:
    """Wrap a secret to a reader key, or refuse 1,216 octets that are no key (KEY-4, EPOCH-6)."""
    require(len(public) == HPKE_KEY, "KEY-4", "an HPKE key has 1,216 octets")
    try:
        ml_kem = MLKEM768PublicKey.from_public_bytes(public[:ML_KEM_KEY])
        curve = X25519PublicKey.from_public_bytes(public[ML_KEM_KEY:])
        return SUITE.encrypt(secret, MLKEM768X25519PublicKey(ml_kem, curve), info)
    except ValueError as error:
        raise Refusal("KEY-4", "octets that are no HPKE key") from error


def unwrap(wrap: bytes, key: ReaderKey, place: WrapPlace) -> bytes:
    """Open a wrap and verify the secret's check (EPOCH-5, EPOCH-6)."""
    if len(wrap) != WRAP:
        raise Unopened("wrap does not open", Refusal("EPOCH-5", "a wrap has 1,168 octets"))
    try:
        secret = SUITE.decrypt(wrap, key.private, place.info())
    except (InvalidTag, ValueError) as error:
        raise Unopened("wrap does not open", Refusal("EPOCH-5", "the wrap does not open")) from error
    if len(secret) != 32:
        raise Unopened("wrap does not open", Refusal("EPOCH-1", "a secret has 32 octets"))
    if epoch_check(secret, place.origin, place.index) != place.check:
        raise Unopened("check fails", Refusal("EPOCH-6", "the secret is not that of the epoch"))
    return secret


def check_audience(keys: Keys, charter: Charter, author: str) -> None:
    """Refuse an audience that is not as EPOCH-2 wants it."""
    places = [charter.place(party) for party in keys.audience]
    known = [place for place in places if place is not None]
    require(len(known) == len(places), "EPOCH-2", "a party of the audience is not in the charter")
    require(known == sorted(set(known)), "EPOCH-2", "the audience is not in the order of the charter")
    require(author in keys.audience, "EPOCH-2", "the author is not in the audience")
    require(all(charter.parties[place].role != "witness" for place in known), "EPOCH-2", "a witness in the audience")


def message_key(secret: bytes, origin: str, epoch: int, index: int) -> bytes:
    """Derive mk."""
    return hmac_sha256(secret, encode(["detente/1 message", origin, epoch, index]))


def commitment(key: bytes, origin: str, index: int, head: Head, plaintext: bytes) -> bytes:
    """Compute c."""
    return hmac_sha256(key, encode(["detente/1 commit", origin, index, head.fields(), plaintext]))


def seal_key(key: bytes, committed: bytes) -> bytes:
    """Derive ek."""
    return hmac_sha256(key, encode(["detente/1 seal", committed]))


def seal(key: bytes, origin: str, index: int, head: Head, plaintext: bytes) -> bytes:
    """Seal a padded plaintext (SEAL-1)."""
    committed = commitment(key, origin, index, head, plaintext)
    return committed + ChaCha20Poly1305(seal_key(key, committed)).encrypt(NONCE, plaintext, None)


def open_plaintext(key: bytes, origin: str, index: int, head: Head, body: bytes) -> bytes:
    """Open a sealed body with its mk and return p (SEAL-1)."""
    if len(body) < SHORTEST_BODY:
        raise Unopened("does not open", Refusal("SEAL-1", "a sealed body of fewer than 48 octets"))
    committed, sealed = body[:32], body[32:]
    try:
        plaintext = ChaCha20Poly1305(seal_key(key, committed)).decrypt(NONCE, sealed, None)
    except InvalidTag as error:
        raise Unopened("does not open", Refusal("SEAL-1", "the body does not open")) from error
    if commitment(key, origin, index, head, plaintext) != committed:
        raise Unopened("commitment fails", Refusal("SEAL-1", "the commitment is another one"))
    return plaintext


def read_plaintext(plaintext: bytes, dictionary: bytes | None) -> Content:
    """Read p to its content (SEAL-2 to SEAL-5)."""
    try:
        octets = padding.content_of(plaintext, dictionary)
    except Refusal as refusal:
        raise Unopened("padding" if refusal.rule == "SEAL-3" else "coding", refusal) from refusal
    try:
        return read_content(octets)
    except Refusal as refusal:
        raise Unopened("content", Refusal("SEAL-5", str(refusal))) from refusal


def open_entry(key: bytes, origin: str, index: int, head: Head, body: bytes, dictionary: bytes | None) -> Content:
    """Open a sealed entry with its mk (SEAL-1 to SEAL-5)."""
    return read_plaintext(open_plaintext(key, origin, index, head, body), dictionary)


def find_secret(
    keys: Keys, channel: str, origin: str, index: int, party: str, own: dict[tuple[str, int], ReaderKey]
) -> bytes | None:
    """Take the first wrap that names a key of which the reader has the private half (EPOCH-4).

    None if the reader's party is not in the audience. `own` holds the reader's keys by the origin of its book and the
    index of the entry that published them.
    """
    if party not in keys.audience:
        return None
    for wrap in keys.wraps:
        key = own.get((wrap.reader, wrap.key_index))
        if key is not None:
            place = WrapPlace(channel, origin, index, keys.audience, wrap.reader, key.digest, keys.check)
            return unwrap(wrap.octets, key, place)
    raise Unopened("no wrap for this station", Refusal("SEAL-6", "no wrap names a key of this station"))
