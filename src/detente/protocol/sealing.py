"""Epochs and sealed bodies: EPOCH-1 to EPOCH-6, SEAL-1 to SEAL-5.

An epoch is one secret for one audience. Each message has keys of its own, derived from the secret and its place, so any
entry opens out of order, and disclosing the key of one opens no other. `c` commits to key, place, header and plaintext:
a sealed body has one opening only.

It does not know who may read, nor where keys are kept (`channel.py`, custody).
"""

from typing import NamedTuple

from detente.crypto import labels
from detente.crypto.hashing import HmacKey, hmac_sha256, sha256
from detente.crypto.sealing import aead_open, aead_seal
from detente.crypto.wrapping import WrapKey, unwrap, wrap
from detente.errors import Malformed
from detente.formats.canonical import BYTES, UNSIGNED, encode, encode_untyped, head
from detente.formats.entry import Seen
from detente.ids import Origin, PartyId

COMMITMENT_OCTETS = 32
TAG_OCTETS = 16
SUITE = [25722, 1, 3]  # EPOCH-5: the HPKE identifiers of KEM, KDF and AEAD
_SEAL_PREFIX = encode([labels.SEAL, bytes(COMMITMENT_OCTETS)])[:-COMMITMENT_OCTETS]  # cbor([label, c]) without c


class Header(NamedTuple):
    """`h`: the leaf's fields before body_size."""

    kind: int
    at: int
    precedence: int
    epoch: int
    seen: Seen
    view: bytes


class Unopenable(Malformed):
    """SEAL-6: this body cannot be opened; `reason` is one of the rule's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the entry cannot be opened: {reason}", rule="SEAL-6")
        self.reason = reason


class Epoch:
    """One epoch of one book, by whoever knows its secret. The fixed beginnings of its HMAC inputs are prepared once."""

    __slots__ = ("_commit_prefix", "_header", "_mac", "_message_prefix", "audience", "index", "origin", "secret")

    def __init__(self, origin: Origin, index: int, audience: tuple[PartyId, ...], secret: bytes) -> None:
        self.origin = origin
        self.index = index
        self.audience = audience
        self.secret = secret
        self._mac = HmacKey(secret)
        self._header: tuple[Header | None, bytes] = (
            None,
            b"",
        )  # the last one encoded: a burst has the same in every entry
        # cbor([label, origin, epoch, n]) is an array head, three fixed items and n
        self._message_prefix = encode([labels.MESSAGE, origin, index, 0])[:-1]
        self._commit_prefix = encode([labels.COMMIT, origin, 0, 0, 0])[:-3]

    def message_key(self, n: int) -> bytes:
        """`mk` of the entry at index n."""
        return self._mac.tag(self._message_prefix + head(UNSIGNED, n))

    def seal(self, n: int, header: Header, padded: bytes) -> bytes:
        """The body of the entry at index n (SEAL-1)."""
        key = self.message_key(n)
        commitment = self._commitment(key, n, header, padded)
        return commitment + aead_seal(_seal_key(key, commitment), padded)

    def open(self, n: int, header: Header, body: bytes) -> bytes:
        """The padded plaintext. Raises Unopenable."""
        return self.open_with(self.message_key(n), n, header, body)

    def open_with(self, key: bytes, n: int, header: Header, body: bytes) -> bytes:
        """The same, given `mk` (the epoch's secret is not needed). Raises Unopenable."""
        commitment = body[:COMMITMENT_OCTETS]
        padded = aead_open(_seal_key(key, commitment), body[COMMITMENT_OCTETS:])
        if padded is None:
            raise Unopenable("does not open")
        if self._commitment(key, n, header, padded) != commitment:
            raise Unopenable("commitment fails")
        return padded

    def _commitment(self, key: bytes, n: int, header: Header, padded: bytes) -> bytes:
        """`c` of SEAL-1: what is joined here is one CBOR array. The header's fields fit the CDDL already (BOOK-11)."""
        if header != self._header[0]:
            self._header = header, encode_untyped(header)
        place = self._commit_prefix + head(UNSIGNED, n)
        return hmac_sha256(key, place + self._header[1] + head(BYTES, len(padded)) + padded)


def _seal_key(message_key: bytes, commitment: bytes) -> bytes:
    return hmac_sha256(message_key, _SEAL_PREFIX + commitment)


def open_with_message_key(message_key: bytes, origin: Origin, n: int, header: Header, body: bytes) -> bytes:
    """Open one entry with its disclosed `mk` (BUNDLE-4). Raises Unopenable."""
    return Epoch(origin, header.epoch, (), b"").open_with(message_key, n, header, body)


def epoch_check(secret: bytes, origin: Origin, index: int) -> bytes:
    """EPOCH-3."""
    return hmac_sha256(secret, encode([labels.EPOCH, origin, index]))


def _wrap_info(
    channel: str, origin: Origin, index: int, audience: tuple[PartyId, ...], reader: Origin, key: bytes, check: bytes
) -> bytes:
    return encode([labels.WRAP, SUITE, channel, origin, index, list(audience), reader, key, check])


def wrap_secret(
    secret: bytes,
    place: tuple[str, Origin, int],
    audience: tuple[PartyId, ...],
    reader: Origin,
    reader_key: bytes,
) -> bytes:
    """EPOCH-5: the secret of the epoch at `place` = (channel, origin, index) for one reader. Raises Malformed for a bad key."""
    channel, origin, index = place
    check = epoch_check(secret, origin, index)
    return wrap(secret, reader_key, _wrap_info(channel, origin, index, audience, reader, sha256(reader_key), check))


def unwrap_secret(
    wrapped: bytes,
    place: tuple[str, Origin, int],
    audience: tuple[PartyId, ...],
    reader: Origin,
    key: WrapKey,
    check: bytes,
) -> bytes:
    """EPOCH-6: the secret, after its check. Raises Unopenable."""
    channel, origin, index = place
    info = _wrap_info(channel, origin, index, audience, reader, sha256(key.public), check)
    secret = unwrap(wrapped, key, info)
    if secret is None or len(secret) != 32:
        raise Unopenable("wrap does not open")
    if epoch_check(secret, origin, index) != check:
        raise Unopenable("check fails")
    return secret
