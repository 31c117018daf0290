"""What the age format needs of the library (C2SP age): scrypt (RFC 7914), HKDF-SHA-256 (RFC 5869), ChaCha20-Poly1305.

Here the nonce is an argument, unlike in `sealing.py`: age seals the chunks of one file under one fresh key and counts them.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

KEY_OCTETS: Final = 32


def scrypt_key(passphrase: bytes, salt: bytes, log_work: int) -> bytes:
    """A key of 32 octets: N = 2 ** log_work, r = 8, p = 1. Takes 2 ** (log_work + 10) octets of memory, on purpose."""
    return Scrypt(salt=salt, length=KEY_OCTETS, n=1 << log_work, r=8, p=1).derive(passphrase)


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """A key of 32 octets."""
    return HKDF(SHA256(), KEY_OCTETS, salt, info).derive(secret)


def chunk_seal(key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    """Seal under a key and a nonce (12 octets) that seal nothing else; 16 octets longer than `plaintext`."""
    return ChaCha20Poly1305(key).encrypt(nonce, plaintext, None)


def chunk_open(key: bytes, nonce: bytes, ciphertext: bytes) -> bytes | None:
    """The plaintext, or None if `ciphertext` was not sealed so or was altered."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, None)
    except InvalidTag:
        return None
