"""TLS certificates: repeatable, readable, and accepted by a strict TLS library on both sides."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import CertificateBuilder, Name
from hypothesis import given
from hypothesis import strategies as st

from detente.crypto.certificates import (
    certificate_fingerprint,
    certificate_public_key,
    certificate_validity,
    make_certificate,
)
from detente.crypto.hashing import sha256
from detente.crypto.signing import SigningKey
from detente.errors import LocalMisuse, Malformed

SEED = bytes(range(32))
START_S, END_S = 1_700_000_000, 2_500_000_000
DER = make_certificate(SEED, "alfa/main", START_S, END_S, 17)


def test_the_same_arguments_give_the_same_certificate() -> None:
    """No clock and no chance in it."""
    assert make_certificate(SEED, "alfa/main", START_S, END_S, 17) == DER
    assert make_certificate(SEED, "alfa/main", START_S, END_S, 18) != DER


def test_a_certificate_tells_its_key_times_and_fingerprint() -> None:
    """What was put in is read out."""
    assert certificate_public_key(DER) == SigningKey(SEED).public
    assert certificate_validity(DER) == (START_S, END_S)
    assert certificate_fingerprint(DER) == sha256(DER)


@pytest.mark.parametrize(
    ("seed", "name", "start_s", "end_s", "serial"),
    [
        (SEED[:-1], "alfa", START_S, END_S, 1),
        (SEED, "", START_S, END_S, 1),
        (SEED, "x" * 65, START_S, END_S, 1),
        (SEED, "alfa", END_S, START_S, 1),
        (SEED, "alfa", START_S, 10**15, 1),
        (SEED, "alfa", START_S, END_S, 0),
        (SEED, "alfa", START_S, END_S, 1 << 160),
    ],
)
def test_what_makes_no_certificate_is_our_mistake(
    seed: bytes, name: str, start_s: int, end_s: int, serial: int
) -> None:
    """Every bad argument is LocalMisuse."""
    with pytest.raises(LocalMisuse):
        make_certificate(seed, name, start_s, end_s, serial)


@given(st.one_of(st.binary(max_size=64), st.integers(0, len(DER) - 1).map(lambda n: DER[:n]), st.just(DER + b"\0")))
def test_what_is_no_certificate_is_malformed(octets: bytes) -> None:
    """Noise, cut and lengthened certificates are refused."""
    with pytest.raises(Malformed):
        certificate_public_key(octets)
    with pytest.raises(Malformed):
        certificate_validity(octets)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # cryptography's own word on the second of them
@pytest.mark.parametrize(
    ("field", "hostile"),
    [("a003020102", "a003020107"), ("0201113005", "0201ff3005"), ("0201113005", "0201003005")],
    ids=["a version that X.509 does not have", "negative serial", "serial zero"],
)
def test_hostile_numbers_in_a_certificate_are_malformed(field: str, hostile: str) -> None:
    """A version beyond 3, and a serial number that is not positive (RFC 5280, 4.1.2.2)."""
    octets = DER.replace(bytes.fromhex(field), bytes.fromhex(hostile), 1)
    with pytest.raises(Malformed):
        certificate_public_key(octets)
    with pytest.raises(Malformed):
        certificate_validity(octets)


def test_a_certificate_of_another_kind_of_key_is_malformed() -> None:
    """KEY-2 knows Ed25519 keys only."""
    key = generate_private_key(SECP256R1())
    start, end = datetime.fromtimestamp(START_S, UTC), datetime.fromtimestamp(END_S, UTC)
    builder = CertificateBuilder(Name([]), Name([]), key.public_key(), 1, start, end)
    with pytest.raises(Malformed, match="not Ed25519"):
        certificate_public_key(builder.sign(key, SHA256()).public_bytes(Encoding.DER))


def test_two_stations_connect_with_pinned_certificates(tmp_path: Path) -> None:
    """TLS 1.3, each side asking for exactly the other's certificate, with strict X.509 checks."""
    contexts = {}
    for side, own, peer in ((ssl.PROTOCOL_TLS_SERVER, 1, 2), (ssl.PROTOCOL_TLS_CLIENT, 2, 1)):
        context = ssl.SSLContext(side)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cadata=make_certificate(bytes([peer]) * 32, "peer", START_S, END_S, peer))
        file = tmp_path / f"{own}.pem"
        file.write_text(pem_of(own))
        context.load_cert_chain(file)
        contexts[side] = context
    server_in, client_in = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = contexts[ssl.PROTOCOL_TLS_SERVER].wrap_bio(server_in, client_in, server_side=True)
    client = contexts[ssl.PROTOCOL_TLS_CLIENT].wrap_bio(client_in, server_in)
    for _ in range(3):
        for side_object in (client, server):
            try:
                side_object.do_handshake()
            except ssl.SSLWantReadError:
                continue
    expected = make_certificate(bytes([1]) * 32, "peer", START_S, END_S, 1)
    assert client.getpeercert(binary_form=True) == expected
    assert server.getpeercert(binary_form=True) == make_certificate(bytes([2]) * 32, "peer", START_S, END_S, 2)


def pem_of(number: int) -> str:
    """Private key and certificate of a made-up station, as the TLS library reads them."""
    seed = bytes([number]) * 32
    key = Ed25519PrivateKey.from_private_bytes(seed)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private + ssl.DER_cert_to_PEM_cert(make_certificate(seed, "peer", START_S, END_S, number))
