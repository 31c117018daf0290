"""Private keys in files: PKCS#8 PEM (RFC 5958, 7468) encrypted with a passphrase by PBES2 (RFC 8018).

Other tools (`openssl pkey`) read these files. The library writes PBES2 with 2,048 rounds only, too few for a stolen
file, so the envelope is written here: PBKDF2-HMAC-SHA256 with 600,000 rounds, AES-256-CBC. Reading is the library's.

CBC keeps a key secret and not whole: a damaged block can decrypt to another key. So the file begins with the digest of
the public key, in a line that other tools pass over, and reading compares it. A wrong passphrase and a damaged file
look the same and are told the same.
"""

import re
from base64 import b64encode
from textwrap import wrap as fold
from typing import Final, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from detente.crypto.hashing import sha256
from detente.crypto.signing import PqSigningKey, SigningKey
from detente.crypto.wrapping import MLKEM_SEED_OCTETS, WrapKey
from detente.errors import LocalMisuse

ENTROPY_OCTETS: Final = 48  # the salt (16), then an IV (16) for each of at most two blocks
ROUNDS: Final = 600_000  # what OWASP asks of PBKDF2-HMAC-SHA256; about a quarter of a second

_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("300c06082a864886f70d02090500")
_AES256_CBC = bytes.fromhex("060960864801650304012a")
_BEGIN = "-----BEGIN ENCRYPTED PRIVATE KEY-----"
_END = "-----END ENCRYPTED PRIVATE KEY-----"
_BLOCK = re.compile(f"{_BEGIN}\n[A-Za-z0-9+/=\n]+{_END}\n")
_FIRST_LINE = "Public key SHA-256: "

_WRONG = "wrong passphrase or damaged key file; try again, or restore the file"

_Key = TypeVar("_Key", SigningKey, PqSigningKey, WrapKey)
_PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey | MLKEM768PrivateKey | X25519PrivateKey


def write_key(key: SigningKey | PqSigningKey | WrapKey, passphrase: str, entropy: bytes, rounds: int = ROUNDS) -> bytes:
    """The PEM file of a private key: one block, or two for a WrapKey (ML-KEM-768, then X25519).

    `entropy` is 48 fresh random octets. Raises LocalMisuse for an empty passphrase.
    """
    if not passphrase:
        raise LocalMisuse("the passphrase is empty; give one")
    if len(entropy) != ENTROPY_OCTETS:
        raise LocalMisuse(f"a key file needs {ENTROPY_OCTETS} random octets, not {len(entropy)}")
    salt, iv_first, iv_second = entropy[:16], entropy[16:32], entropy[32:]
    cipher_key = PBKDF2HMAC(SHA256(), 32, salt, rounds).derive(passphrase.encode())
    blocks = zip(_parts(key), (iv_first, iv_second), strict=False)
    return _first_line(key) + b"".join(_encrypted_pem(part, cipher_key, salt, rounds, iv) for part, iv in blocks)


def read_signing_key(pem: bytes, passphrase: str) -> SigningKey:
    """The Ed25519 key of a file. Raises LocalMisuse."""
    (seed,) = _read(pem, passphrase, Ed25519PrivateKey)
    return _whole(SigningKey(seed), pem)


def read_pq_signing_key(pem: bytes, passphrase: str) -> PqSigningKey:
    """The ML-DSA-44 key of a file. Raises LocalMisuse."""
    (seed,) = _read(pem, passphrase, MLDSA44PrivateKey)
    return _whole(PqSigningKey(seed), pem)


def read_wrap_key(pem: bytes, passphrase: str) -> WrapKey:
    """The wrap key of a file of two blocks. Raises LocalMisuse."""
    seeds = _read(pem, passphrase, MLKEM768PrivateKey, X25519PrivateKey)
    return _whole(WrapKey(b"".join(seeds)), pem)


def _parts(key: SigningKey | PqSigningKey | WrapKey) -> list[_PrivateKey]:
    if isinstance(key, SigningKey):
        return [Ed25519PrivateKey.from_private_bytes(key.seed)]
    if isinstance(key, PqSigningKey):
        return [MLDSA44PrivateKey.from_seed_bytes(key.seed)]
    return [
        MLKEM768PrivateKey.from_seed_bytes(key.seed[:MLKEM_SEED_OCTETS]),
        X25519PrivateKey.from_private_bytes(key.seed[MLKEM_SEED_OCTETS:]),
    ]


def _read(pem: bytes, passphrase: str, *kinds: type[_PrivateKey]) -> list[bytes]:
    """The seeds in the blocks of a file, which must be exactly of these kinds, in this order."""
    first_line, _, rest = pem.decode("ascii", "replace").partition("\n")
    blocks = _BLOCK.findall(rest)
    if not first_line.startswith(_FIRST_LINE) or "".join(blocks) != rest or len(blocks) != len(kinds):
        raise LocalMisuse(f"this is not a key file with {len(kinds)} encrypted private key(s); give another file")
    try:
        keys = [serialization.load_pem_private_key(block.encode(), passphrase.encode()) for block in blocks]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise LocalMisuse(_WRONG) from error
    seeds = [key.private_bytes_raw() for key, kind in zip(keys, kinds, strict=True) if isinstance(key, kind)]
    if len(seeds) != len(kinds):
        raise LocalMisuse("this key file holds another kind of key; give another file")
    return seeds


def _first_line(key: SigningKey | PqSigningKey | WrapKey) -> bytes:
    return f"{_FIRST_LINE}{sha256(key.public).hex()}\n".encode()


def _whole(key: _Key, pem: bytes) -> _Key:
    """The key, if it is the one that the file was written for."""
    if not pem.startswith(_first_line(key)):
        raise LocalMisuse(_WRONG)
    return key


def _encrypted_pem(key: _PrivateKey, cipher_key: bytes, salt: bytes, rounds: int, iv: bytes) -> bytes:
    """One EncryptedPrivateKeyInfo (RFC 5958, 3) in PEM."""
    plain = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES256(cipher_key), CBC(iv)).encryptor()
    ciphertext = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    kdf = _sequence(_PBKDF2, _sequence(_der(0x04, salt), _der_integer(rounds), _HMAC_SHA256))
    scheme = _sequence(_PBES2, _sequence(kdf, _sequence(_AES256_CBC, _der(0x04, iv))))
    body = b64encode(_sequence(scheme, _der(0x04, ciphertext))).decode()
    return "\n".join([_BEGIN, *fold(body, 64), _END, ""]).encode()


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, b"".join(parts))


def _der_integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def _der(tag: int, content: bytes) -> bytes:
    """Tag, definite length, content (X.690, 8.1 and 10.1)."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content
