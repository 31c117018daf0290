"""The TLS bearer: one door for all links of a station, TLS 1.3 only, both sides proved by pinned certificates.

Its law: a link is handed over only when the other side's certificate is octet for octet one that we were told to trust;
between two stations at most one link stays; a stranger costs a bounded place for a bounded time and harms no other
link. There is no session resumption: each connection proves both keys anew. No host name is sent, and none is
believed. Runs on Linux (memfd, TCP_USER_TIMEOUT), in one event loop.
"""

import asyncio
import os
import secrets
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from detente.bearers.link import Link
from detente.bearers.wire_faults import (
    CERTIFICATE_HAS_EXPIRED,
    CERTIFICATE_NOT_YET_VALID,
    fault_of_listening,
    fault_of_system,
    fault_of_tls,
)
from detente.crypto.certificates import certificate_fingerprint, certificate_public_key, certificate_validity
from detente.crypto.keyfiles import ENTROPY_OCTETS, write_key
from detente.crypto.signing import SigningKey
from detente.errors import BearerFault, Fault, LocalMisuse, Malformed
from detente.limits import HANDSHAKE_SECONDS_MAX, LINK_SILENCE_SECONDS_MAX, LINKS_MAX

HANDSHAKES_MAX = 64  # connections that have not proved themselves; a newcomer takes the place of the oldest
REFUSALS_TOLD_MAX = 10  # per REFUSALS_TOLD_SECONDS; the others are only counted
REFUSALS_TOLD_SECONDS = 60
ADDRESSES_MAX = 4  # of one host that are tried in one call; each gets its share of HANDSHAKE_SECONDS_MAX
PORT_MAX = 65_535
_KEY_ROUNDS = 1_000  # the password below is random, so more rounds would only cost time


@dataclass(frozen=True)
class Identity:
    """A station's certificate (DER) and its key. Raises LocalMisuse if they do not belong together, or Malformed."""

    certificate: bytes
    key: SigningKey = field(repr=False)

    def __post_init__(self) -> None:
        if certificate_public_key(self.certificate) != self.key.public:
            raise LocalMisuse("this key is not the one of this certificate; give both of the same station")


class TlsBearer:
    """Keeps the links of one station.

    `trusted` maps the name of each other station to its certificate (DER). Callbacks, all called from the event loop:
    `on_open(link)` once a link is proved and kept. `on_frames(link, frames)` with frames in order; the link's next
    ones come after it returns, so a slow taker slows the sender down; a Fault that it raises ends the link.
    `on_closed(link, fault)` once for each link that was opened, after its last frames; no fault means that either side
    closed it in good order; an InternalFault means that a callback failed, with the error as its cause.
    `on_refused(address, fault)` for a connection to us that came to nothing, at most REFUSALS_TOLD_MAX times in
    REFUSALS_TOLD_SECONDS; `refused_count` counts all.

    A new link may be opened before an older one to the same peer is closed. A dialled link may be opened and then be
    refused by the listener, for in TLS 1.3 the dialler is through first; until its `received_at` is set nothing is
    certain. A link lives on when a certificate runs out; the next one will not come about.
    """

    def __init__(
        self,
        identity: Identity,
        trusted: Mapping[str, bytes],
        *,
        on_frames: Callable[[Link, list[bytes]], Awaitable[None]],
        on_open: Callable[[Link], None],
        on_closed: Callable[[Link, Fault | None], None],
        on_refused: Callable[[str, Fault], None],
        monotonic: Callable[[], float] = time.monotonic,
        now_s: Callable[[], float] = time.time,
        silence_seconds: int = LINK_SILENCE_SECONDS_MAX,
    ) -> None:
        self.refused_count = 0
        self._identity = identity
        self._fingerprint = certificate_fingerprint(identity.certificate)
        self._names: dict[bytes, str] = {}  # by certificate
        self._on_frames = on_frames
        self._on_open = on_open
        self._on_closed = on_closed
        self._on_refused = on_refused
        self._monotonic = monotonic
        self._now_s = now_s
        self._silence_seconds = silence_seconds
        self._dialling = _context(identity, ssl.PROTOCOL_TLS_CLIENT)
        self._listening = _context(identity, ssl.PROTOCOL_TLS_SERVER)
        self._listening.num_tickets = 0  # LINK-2: no resumption
        self._servers: list[asyncio.Server] = []
        self._unproved: dict[Link, None] = {}  # that came to us, oldest first
        self._alive: set[Link] = set()
        self._links: dict[str, Link] = {}  # by peer: the one that stays
        self._told_since = float("-inf")
        self._told_count = 0
        self._is_closed = False
        for name, certificate in trusted.items():
            self.trust(name, certificate)

    async def listen(self, host: str, port: int) -> int:
        """Take connections at an address of ours, "" for all; port 0 for any. Returns the port. May be called again.

        Raises LocalMisuse if the door cannot be opened (port in use, address not ours, no permission) or if our
        certificate is outside its dates; BearerFault if the system fails otherwise.
        """
        self._require_open()
        self._require_own_dates()
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(self._newcomer, host or None, port, backlog=HANDSHAKES_MAX)
        except OSError as error:
            raise fault_of_listening(error, host or "all addresses", port) from error
        except (ValueError, OverflowError) as error:
            raise LocalMisuse(
                f"cannot listen at {host!r} port {port}: not an address; write a host and a port"
            ) from error
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def dial(self, host: str, port: int, expected: str) -> Link:
        """Call a station; return the link to it that stays, maybe one that came about meanwhile, after `on_open`.

        Raises LocalMisuse if our certificate is outside its dates or `expected` is not trusted; BearerFault if the
        station cannot be reached or proved within HANDSHAKE_SECONDS_MAX, or another one is there.
        """
        self._require_open()
        self._require_own_dates()
        if expected not in self._names.values():
            raise LocalMisuse(f"{expected} is no station of our charters; name one of them")
        if not 0 < port <= PORT_MAX:
            raise BearerFault(f"port {port} of {expected} is not an address; take the one of its card")
        address = f"{expected} at {host} port {port}"
        link = self._make_link(self._dialling, dialled=True, expected=expected, address=address)
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS_MAX):
                await _connect(link, host, port)
                await link.proved()
        except TimeoutError as error:
            raise BearerFault(f"{address} did not answer within {HANDSHAKE_SECONDS_MAX} s") from error
        except OSError as error:
            raise fault_of_system(error, address) from error
        except ValueError as error:  # a name that cannot be one, such as ".."
            raise BearerFault(f"{address!a} is not an address; take the one of its card") from error
        finally:
            if link.is_proving:
                link.close("the call was given up")
        kept = self.link_to(expected)
        if kept is None:
            raise BearerFault(f"the link to {expected} ended as soon as it was made; try again")
        return kept

    @property
    def certificate(self) -> bytes:
        """Our own (DER)."""
        return self._identity.certificate

    def trust(self, name: str, certificate: bytes) -> None:
        """Let the station `name` in by this certificate (DER), from now on; a name may have several. Idempotent.

        Raises Malformed if it is not a certificate; LocalMisuse if it is our own or belongs to another name.
        """
        certificate_public_key(certificate)
        certificate_validity(certificate)
        if certificate == self._identity.certificate:
            raise LocalMisuse(f"the certificate of {name} is our own; a station keeps no link to itself")
        if self._names.get(certificate, name) != name:
            raise LocalMisuse(f"the certificate of {name} is that of {self._names[certificate]} already")
        try:
            for context in (self._dialling, self._listening):
                context.load_verify_locations(cadata=certificate)
        except ssl.SSLError as error:
            raise Malformed(f"OpenSSL cannot read the certificate of {name}; ask its party for another card") from error
        self._names[certificate] = name

    def distrust(self, certificate: bytes) -> None:
        """Let nobody in by this certificate any more, and close the links that were. Idempotent."""
        # OpenSSL's list cannot be shortened: `admit` refuses it.
        self._names.pop(certificate, None)
        for link in list(self._alive):
            if link.certificate == certificate:
                link.close("its certificate is no longer in the charter")

    def link_to(self, peer: str) -> Link | None:
        """The open link to a station, if there is one."""
        link = self._links.get(peer)
        return link if link and link.is_open else None

    def links(self) -> list[Link]:
        """The open links, one per peer."""
        return [link for link in self._links.values() if link.is_open]

    async def close(self) -> None:
        """Stop listening and close all links in good order. Idempotent.

        Returns when each has said goodbye, or GOODBYE_SECONDS_MAX are over, and `on_frames` has taken what it brought.
        """
        self._is_closed = True
        for server in self._servers:
            server.close()
        alive = list(self._alive)
        for link in alive:
            link.close("the station is stopping")
        for link in alive:
            await link.closed()

    # --- called by links

    def admit(self, link: Link, certificate: bytes) -> str | None:
        """See Keeper."""
        name = self._names.get(certificate)  # LINK-2: octet for octet
        if name is None:
            raise BearerFault(
                f"{link.who} showed a certificate that stands in none of our charters; perhaps ours is not the newest"
            )
        if link.expected and name != link.expected:
            raise BearerFault(f"{link.address} is really {name}; correct the address of {link.expected}")
        rival = self.link_to(name)
        if rival is None and len(self.links()) >= LINKS_MAX:
            raise BearerFault(f"no room for {name}: {LINKS_MAX} links are open already; close some")
        if rival is not None and not self._supersedes(link, rival):
            return None
        self._links[name] = link
        self._unproved.pop(link, None)
        if rival is not None:
            rival.close("a newer link to this station stays")
        return name

    def explain(self, link: Link, error: ssl.SSLError) -> Fault:
        """See Keeper."""
        code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
        if code not in (CERTIFICATE_HAS_EXPIRED, CERTIFICATE_NOT_YET_VALID):
            return fault_of_tls(error, link.who)
        # OpenSSL says "run out" only of certificates that we trust, but not of which: see which of them have.
        texts = []
        for certificate, name in self._names.items():
            begins_s, ends_s = certificate_validity(certificate)
            if link.expected not in ("", name):
                continue
            if code == CERTIFICATE_HAS_EXPIRED and ends_s < self._now_s():
                texts.append(
                    f"the certificate of {name} ran out on {_date(ends_s)}: "
                    f"{name} must bring a new one by a charter amendment"
                )
            if code == CERTIFICATE_NOT_YET_VALID and begins_s > self._now_s():
                texts.append(f"the certificate of {name} is valid only from {_date(begins_s)}: compare the clocks")
        return BearerFault(
            "; or ".join(texts) or f"the certificate of {link.who} is outside its dates: compare the clocks"
        )

    def opened(self, link: Link) -> None:
        """See Keeper."""
        self._on_open(link)

    async def arrived(self, link: Link, frames: list[bytes]) -> None:
        """See Keeper."""
        await self._on_frames(link, frames)

    def ended(self, link: Link, fault: Fault | None) -> None:
        """See Keeper."""
        self._alive.discard(link)
        self._unproved.pop(link, None)
        if self._links.get(link.peer) is link:
            del self._links[link.peer]
        if link.admitted:
            self._on_closed(link, fault)
        elif not link.dialled and fault is not None and not self._is_closed:
            self._tell_refused(link, fault)

    # --- inside

    def _newcomer(self) -> Link:
        """A link for a connection that has just been made to us."""
        if len(self._unproved) >= HANDSHAKES_MAX:
            oldest = next(iter(self._unproved))
            oldest.close(f"{HANDSHAKES_MAX} others came after it")
        link = self._make_link(self._listening, dialled=False, expected="", address="")
        self._unproved[link] = None
        if self._is_closed:  # it came while the door was being shut
            link.close("the station is stopping")
        return link

    def _make_link(self, context: ssl.SSLContext, *, dialled: bool, expected: str, address: str) -> Link:
        link = Link(
            self,
            context,
            dialled=dialled,
            expected=expected,
            address=address,
            monotonic=self._monotonic,
            silence_seconds=self._silence_seconds,
        )
        self._alive.add(link)
        return link

    def _supersedes(self, link: Link, rival: Link) -> bool:
        """Whether a new link takes the place of the one that stood. Both stations come to the same answer.

        Who dials again, or dials long after, has lost the one that stood, even if we have not noticed yet. If both
        dialled at once, the link dialled by the station whose certificate has the smaller fingerprint stays.
        """
        # LINK-3
        long_after = rival.opened_at is not None and self._monotonic() - rival.opened_at > HANDSHAKE_SECONDS_MAX
        if link.dialled == rival.dialled or long_after:
            return True
        ours_is_smaller = self._fingerprint < certificate_fingerprint(link.certificate)
        return link.dialled == ours_is_smaller

    def _tell_refused(self, link: Link, fault: Fault) -> None:
        self.refused_count += 1
        now = self._monotonic()
        if now - self._told_since >= REFUSALS_TOLD_SECONDS:
            self._told_since, self._told_count = now, 0
        if self._told_count < REFUSALS_TOLD_MAX:
            self._told_count += 1
            self._on_refused(link.address, fault)

    def _require_open(self) -> None:
        if self._is_closed:
            raise LocalMisuse("this bearer was closed; make another")

    def _require_own_dates(self) -> None:
        begins_s, ends_s = certificate_validity(self._identity.certificate)
        if self._now_s() > ends_s:
            raise LocalMisuse(
                f"our certificate ran out on {_date(ends_s)}; check this machine's clock, and if it is right make a new "
                "certificate and bring it by a charter amendment"
            )
        if self._now_s() < begins_s:
            raise LocalMisuse(f"our certificate is valid only from {_date(begins_s)}; check this machine's clock")


def _context(identity: Identity, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # LINK-1
    context.check_hostname = False  # certificates are pinned whole; names in them mean nothing
    context.verify_mode = ssl.CERT_REQUIRED  # LINK-2: both sides
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a certificate that we were given is trusted by itself
    # OpenSSL takes keys from files only. A memfd never touches a disk; the key in it is encrypted with a password that
    # is forgotten at once, because other processes of this user can open the memfd for as long as it lives.
    password = secrets.token_hex(32)
    pem = write_key(identity.key, password, secrets.token_bytes(ENTROPY_OCTETS), _KEY_ROUNDS)
    descriptor = os.memfd_create("detente")
    with os.fdopen(descriptor, "wb") as file:
        file.write(ssl.DER_cert_to_PEM_cert(identity.certificate).encode() + pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=password)
    return context


async def _connect(link: Link, host: str, port: int) -> None:
    """Try the addresses of a host one after the other. Raises OSError, that of the last one, or ValueError.

    Not with `happy_eyeballs_delay`: in Python 3.11 it leaks a connection that stands when the caller gives up.
    """
    loop = asyncio.get_running_loop()
    found = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[:ADDRESSES_MAX]
    for place, (family, _, _, _, address) in enumerate(found):
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS_MAX / len(found)):
                await loop.create_connection(lambda: link, str(address[0]), port, family=family)
                return
        except OSError:
            if place == len(found) - 1:
                raise


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
