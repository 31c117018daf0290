"""Standard base64 with padding (RFC 4648, 4), and only the canonical form (NOTE-1): one text for one octet string."""

import binascii

from detente.errors import Malformed


def encode(octets: bytes) -> str:
    """The text, without a newline."""
    return binascii.b2a_base64(octets, newline=False).decode()


def decode(text: str, rule: str) -> bytes:
    """The octets. Raises Malformed (under `rule`) for anything that `encode` would not have given."""
    try:
        octets = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # binascii.Error, or characters outside ASCII
        raise Malformed(f"{text[:40]!r} is not base64", rule=rule) from error
    if encode(octets) != text:  # bits left over after the last octet
        raise Malformed(f"{text[:40]!r} is not the canonical base64 of its octets", rule=rule)
    return octets
