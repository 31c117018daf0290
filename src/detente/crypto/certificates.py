"""The self-signed Ed25519 X.509 certificate (RFC 5280, 8410) that a station shows on TLS links.

Nothing in it is trusted for what it says: a charter holds the whole certificate, and peers compare it octet for octet.
The extensions are there so that strict TLS libraries accept it.
"""

from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detente.crypto.hashing import sha256
from detente.errors import LocalMisuse, Malformed

_UNREADABLE: Final = "the certificate is not readable DER X.509; ask its party for another card"


def make_certificate(seed: bytes, common_name: str, not_before_s: int, not_after_s: int, serial: int) -> bytes:
    """A DER certificate of the Ed25519 key of `seed` (32 octets). The same arguments give the same octets.

    Times are seconds since 1970-01-01T00:00:00Z. `serial` has 1 to 159 bits. Raises LocalMisuse.
    """
    try:
        key = Ed25519PrivateKey.from_private_bytes(seed)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(datetime.fromtimestamp(not_before_s, UTC))
            .not_valid_after(datetime.fromtimestamp(not_after_s, UTC))
        )
        for extension, critical in _extensions(key.public_key()):
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(key, None).public_bytes(Encoding.DER)
    except (ValueError, OverflowError) as error:
        raise LocalMisuse(f"no certificate can be made of this: {error}") from error


def certificate_fingerprint(der: bytes) -> bytes:
    """SHA-256 of the DER octets: 32 octets."""
    return sha256(der)


def certificate_validity(der: bytes) -> tuple[int, int]:
    """(not before, not after) in seconds since 1970-01-01T00:00:00Z, both inclusive. Raises Malformed."""
    certificate = _load(der)
    try:
        return int(certificate.not_valid_before_utc.timestamp()), int(certificate.not_valid_after_utc.timestamp())
    except ValueError as error:
        raise Malformed(_UNREADABLE) from error


def certificate_public_key(der: bytes) -> bytes:
    """The Ed25519 public key (32 octets) of a certificate. Raises Malformed for any other kind of key."""
    certificate = _load(der)
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed(_UNREADABLE) from error
    if not isinstance(key, Ed25519PublicKey):
        raise Malformed("the certificate's key is not Ed25519; ask its party for another card")
    return key.public_bytes_raw()


def _load(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion) as error:  # InvalidVersion is no ValueError
        raise Malformed(_UNREADABLE) from error
    if certificate.serial_number <= 0:  # RFC 5280, 4.1.2.2; other readers refuse it
        raise Malformed(_UNREADABLE)
    return certificate


def _extensions(public: Ed25519PublicKey) -> list[tuple[x509.ExtensionType, bool]]:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (purposes, False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
    ]
