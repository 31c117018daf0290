"""Octets at IP level, as the kernel counted them for the connections of one listening port (sock_diag(7), tcp_info).

Nobody needs special rights to ask. Both ends of a connection on this machine are counted, each for what it sent: payload
with repetitions, and a header for each segment. Loopback has segments of up to 65,536 octets; larger payloads are counted
as the segments that a line with units of 1,500 octets would need.
"""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

UNIT_OCTETS_MAX = 1_500
_SOCK_DIAG = 4
_BY_FAMILY = 20
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_DONE, _ERROR = 3, 2
_TCP_INFO = 2  # the extension asked for, INET_DIAG_INFO
_ESTABLISHED = 1 << 1
_IPV4_AND_TCP_OCTETS = 40
_TIMESTAMPS_OCTETS = 12


class Sent(NamedTuple):
    """What one end of a connection has sent: payload octets, segments, and octets of header in each."""

    payload: int
    segments: int
    header: int


def sent(port: int) -> dict[tuple[int, int], Sent]:
    """By (own port, other port): every end of an established IPv4 connection from or to `port`."""
    return {ports: counted for ports, counted in _dump() if port in ports}


def ip_octets(before: dict[tuple[int, int], Sent], after: dict[tuple[int, int], Sent]) -> int:
    """The octets at IP level between two countings."""
    octets = 0
    for ports, now in after.items():
        then = before.get(ports, Sent(0, 0, now.header))
        payload, segments = now.payload - then.payload, now.segments - then.segments
        whole = -(-payload // (UNIT_OCTETS_MAX - now.header))
        octets += payload + now.header * max(segments, whole)
    return octets


def _dump() -> Iterator[tuple[tuple[int, int], Sent]]:
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 1 << (_TCP_INFO - 1), 0, _ESTABLISHED) + bytes(
        48
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.send(struct.pack("=IHHII", 16 + len(request), _BY_FAMILY, _DUMP, 1, 0) + request)
        while True:
            answer = kernel.recv(1 << 20)
            while answer:
                octets, kind = struct.unpack_from("=IH", answer)
                if kind in (_DONE, _ERROR):
                    return
                yield from _read(answer[16:octets])
                answer = answer[(octets + 3) & ~3 :]


def _read(message: bytes) -> Iterator[tuple[tuple[int, int], Sent]]:
    """One inet_diag_msg and its attributes."""
    ports: tuple[int, int] = struct.unpack_from(">HH", message, 4)
    rest = message[72:]
    while rest:
        octets, kind = struct.unpack_from("=HH", rest)
        if kind == _TCP_INFO and octets >= 4 + 208:
            info = rest[4:octets]
            (segments,) = struct.unpack_from("=I", info, 136)  # tcpi_segs_out
            (payload,) = struct.unpack_from("=Q", info, 200)  # tcpi_bytes_sent
            header = _IPV4_AND_TCP_OCTETS + (_TIMESTAMPS_OCTETS if info[5] & 1 else 0)  # tcpi_options
            yield ports, Sent(payload, segments, header)
        rest = rest[(octets + 3) & ~3 :]
