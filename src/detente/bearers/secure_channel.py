"""TLS 1.3 as a pure machine: octets in, octets out. Its law: no socket, no clock; one channel, one connection.

The standard library's own asyncio TLS is not used: it drops the alert that says why a handshake failed, tells a
listener nothing of failed handshakes, and has no half-close. This wraps the same OpenSSL with some sixty lines.
"""

import ssl

_READ_OCTETS = 65_536  # OpenSSL hands out at most one record of 16,384 at a time
_GROUP_NAMES = {0x001D: "X25519", 0x0017: "secp256r1", 0x0018: "secp384r1", 0x0019: "secp521r1", 0x001E: "X448"}
_HYBRID_GROUP_NAMES = {0x11EC: "X25519MLKEM768", 0x11EB: "SecP256r1MLKEM768", 0x11ED: "SecP384r1MLKEM1024"}
_SERVER_FLIGHT_OCTETS_MAX = 4_096  # a server hello is far shorter; more is not kept for looking at the group


class SecureChannel:
    """One side of one TLS connection. Methods may raise ssl.SSLError; then `outgoing` may hold an alert to send."""

    def __init__(self, context: ssl.SSLContext, *, dialled: bool) -> None:
        self._incoming = ssl.MemoryBIO()
        self._sealed = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._sealed, server_side=not dialled)
        self._dialled = dialled
        self._server_flight = bytearray()
        self.established = False
        self.ended = False  # the other side has said that it sends no more

    def start(self) -> None:
        """Begin the handshake; the dialling side speaks first."""
        self._shake()

    def receive(self, octets: bytes) -> bytes:
        """Take what the wire brought; return what it says in clear, maybe nothing yet."""
        self._incoming.write(octets)
        if not self.established:
            if self._dialled:
                self._watch(octets)
            self._shake()
        parts = []
        while self.established and not self.ended:
            try:
                part = self._tls.read(_READ_OCTETS)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:  # so it comes when we had said goodbye first
                part = b""
            parts.append(part)
            self.ended = not part
        return b"".join(parts)

    def send(self, octets: bytes) -> None:
        """Seal; what goes to the wire is then in `outgoing`."""
        rest = memoryview(octets)
        while rest:
            rest = rest[self._tls.write(rest) :]

    def say_goodbye(self) -> None:
        """Seal a close_notify (RFC 8446 section 6.1): we still read, but `send` must not be called any more."""
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            return  # the usual case: their goodbye has not come yet

    def outgoing(self) -> bytes:
        """What must go to the wire now."""
        octets = self._sealed.read()
        if not self.established and not self._dialled:
            self._watch(octets)
        return octets

    def peer_certificate(self) -> bytes:
        """The DER of the certificate whose key the other side has proved to hold, once `established`."""
        return self._tls.getpeercert(binary_form=True) or b""

    def cipher(self) -> str:
        """The cipher suite's name, once `established`."""
        agreed = self._tls.cipher()
        return agreed[0] if agreed else ""

    def group(self) -> tuple[str, bool]:
        """The key exchange's name, and whether it withstands a quantum computer. Unknown counts as classical."""
        number = key_exchange_group(bytes(self._server_flight))
        if number in _HYBRID_GROUP_NAMES:
            return _HYBRID_GROUP_NAMES[number], True
        return _GROUP_NAMES.get(number, "unknown"), False

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.established = True

    def _watch(self, octets: bytes) -> None:
        room = _SERVER_FLIGHT_OCTETS_MAX - len(self._server_flight)
        self._server_flight += octets[: max(room, 0)]


def key_exchange_group(server_flight: bytes) -> int:
    """The number of the agreed group from the clear server hello (RFC 8446 section 4.1.3), or 0 if it cannot be read.

    The standard library cannot name it before Python 3.15. Once the handshake is done the hello is authenticated. A
    hello that asks for another try names the same group as the one that follows it.
    """
    hello = server_flight[9:]  # after the headers of the record (5) and of the handshake message (4)
    if server_flight[:1] != b"\x16" or server_flight[5:6] != b"\x02" or len(hello) < 35:
        return 0
    at = 2 + 32 + 1 + hello[34] + 2 + 1 + 2  # version, random, session id, suite, compression, length of extensions
    while at + 4 <= len(hello):
        kind = int.from_bytes(hello[at : at + 2], "big")
        length = int.from_bytes(hello[at + 2 : at + 4], "big")
        if kind == 51:  # key_share
            return int.from_bytes(hello[at + 4 : at + 6], "big") if at + 6 <= len(hello) else 0
        at += 4 + length
    return 0
