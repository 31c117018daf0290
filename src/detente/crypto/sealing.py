"""ChaCha20-Poly1305 (RFC 8439) as chapter 5 uses it: a zero nonce and no associated data.

A zero nonce is right here because a key seals exactly one message: the key is derived from the commitment to the
plaintext (SEAL-1), so another plaintext has another key. There is no counter to lose in a restored backup.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

TAG_OCTETS = 16
_ZERO_NONCE = bytes(12)


def aead_seal(key: bytes, plaintext: bytes) -> bytes:
    """Seal under a key of 32 octets that seals nothing else. The result is 16 octets longer than `plaintext`."""
    return ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, plaintext, None)


def aead_open(key: bytes, ciphertext: bytes) -> bytes | None:
    """The plaintext, or None if `ciphertext` was not sealed under `key` or was altered."""
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, ciphertext, None)
    except InvalidTag:
        return None
