"""The key exchange is read from the server hello alone, whatever else stands there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.bearers.secure_channel import key_exchange_group


def server_hello(group: int, *, session_id: bytes = bytes(32)) -> bytes:
    """RFC 8446 section 4.1.3, with the version before the key share."""
    share = group.to_bytes(2) + (4).to_bytes(2) + b"keys"
    extensions = b"\x00\x2b\x00\x02\x03\x04" + b"\x00\x33" + len(share).to_bytes(2) + share
    body = b"\x03\x03" + bytes(32) + bytes([len(session_id)]) + session_id + b"\x13\x02\x00"
    body += len(extensions).to_bytes(2) + extensions
    message = b"\x02" + len(body).to_bytes(3) + body
    return b"\x16\x03\x03" + len(message).to_bytes(2) + message


@pytest.mark.parametrize("group", [0x001D, 0x11EC])
@pytest.mark.parametrize("session_id", [b"", bytes(32)])
def test_the_group_is_read(group: int, session_id: bytes) -> None:
    """X25519 and X25519MLKEM768, with more octets after the hello."""
    assert key_exchange_group(server_hello(group, session_id=session_id) + b"\x14\x03\x03\x00\x01\x01") == group


@given(octets=st.binary(max_size=300), cut=st.integers(0, 100))
def test_what_is_no_hello_has_no_group(octets: bytes, cut: int) -> None:
    """Garbage and a hello that is cut short never fail, and never name a group that was not there."""
    key_exchange_group(b"\x16\x03\x03\x00\x99\x02" + octets)
    assert key_exchange_group(server_hello(0x11EC)[:cut]) in (0, 0x11EC)
    assert key_exchange_group(b"\x15" + octets) == 0
