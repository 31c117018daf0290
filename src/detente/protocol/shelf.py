"""What the core may read and which keys it may use: two small promises, kept by the store and by the custody.

Both are synchronous look-ups; a pair of dictionaries keeps them too, and so the core runs without a disk.
"""

from collections.abc import Callable
from typing import Protocol

from detente.crypto.signing import SigningKey
from detente.crypto.wrapping import WrapKey
from detente.ids import Origin
from detente.protocol.effects import CosignatureRow, EntryRow, FindingRow, GivenRow, HeadRow


class Shelf(Protocol):
    """What is committed. Raises StoreFault."""

    def entries(self, origin: Origin, start: int, stop: int) -> list[EntryRow]:
        """The entries held with start <= index < stop, by index; indexes not held are left out."""

    def special_entries(self, origin: Origin) -> list[EntryRow]:
        """The entries held that are neither sealed nor open (opening, keys, adopt, erased, closing), by index."""

    def hashes(self, origin: Origin, level: int, start: int, stop: int) -> list[bytes]:
        """Hashes of complete subtrees of a level that is a multiple of 8."""

    def heads(self, origin: Origin, at_least: int = 0) -> list[HeadRow]:
        """Heads held with size >= at_least, by size."""

    def given(self) -> list[GivenRow]:
        """The largest size given for each (origin, party)."""

    def cosignatures(self, origin: Origin, at_least: int = 0) -> list[CosignatureRow]:
        """Receipts held with size >= at_least, by size then cosigner."""

    def findings(self) -> list[FindingRow]:
        """All findings, oldest first."""


class Keyring(Protocol):
    """Our private keys. Whatever makes or keeps something is durable when it returns."""

    entropy: Callable[[int], bytes]

    def signing_key(self, kind: str, public: bytes) -> SigningKey | None:
        """The private half of a `book` or `cosigner` key, or None."""

    def mark_used(self, public: bytes) -> None:
        """Remember that a `book` key has begun its book (STORE-3)."""

    def is_used(self, public: bytes) -> bool:
        """Whether a `book` key was ever marked so."""

    def new_wrap_key(self) -> WrapKey:
        """A fresh HPKE key, kept."""

    def wrap_key(self, digest: bytes) -> WrapKey | None:
        """The HPKE key whose public half has this SHA-256, or None."""

    def keep_secret(self, check: bytes, secret: bytes) -> None:
        """Keep an epoch secret under its check."""

    def secret(self, check: bytes) -> bytes | None:
        """The epoch secret kept under this check, or None."""
