"""Whoever is not a station of our charters is refused, told of and counted, and no other link is harmed."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable

import pytest

from detente.bearers import link as link_module
from detente.bearers import tls
from detente.bearers.tls import Identity
from detente.errors import BearerFault, Fault, LocalMisuse, Malformed
from tests.bearers.stations import (
    DAY_SECONDS,
    Station,
    listening,
    make_identity,
    make_station,
    run,
    two_stations,
    until,
)


async def refusal_by(server: Station, octets: bytes) -> tuple[bytes, Fault]:
    """Send `octets` without TLS; return the answer up to the end of the connection, and what the station says of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(octets)
    answer = await reader.read()
    writer.close()
    await until(lambda: server.refused)
    return answer, server.refused.pop()


def outsider_context(identity: Identity | None) -> ssl.SSLContext:
    """A TLS client of somebody else's making, which trusts everybody."""
    context = tls._context(identity or make_identity("nobody"), ssl.PROTOCOL_TLS_CLIENT)
    if identity is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "speaks HTTP without TLS"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak TLS"),
        (b"\x16\x03\x01\x00\x05hello", "is not proper TLS"),
        (b"\x00" * 1_000, "does not speak TLS"),
    ],
)
def test_a_stranger_without_tls_is_refused(octets: bytes, text: str) -> None:
    """HTTP, SSH and garbage are named for what they are; another link goes on."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            ours = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            _, fault = await refusal_by(bravo, octets)
            assert isinstance(fault, BearerFault)
            assert text in fault.text
            assert bravo.bearer.refused_count == 1
            ours.send(b"unharmed")
            await until(lambda: bravo.frames)

    run(scene())


def test_tls_1_2_is_refused() -> None:
    """A client that speaks at most TLS 1.2 gets the alert that says so."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            context = outsider_context(alfa.identity)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(ssl.SSLError) as caught:
                await asyncio.open_connection("127.0.0.1", bravo.port, ssl=context)
            assert caught.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"
            await until(lambda: bravo.refused)
            assert "does not speak TLS 1.3" in bravo.refused[0].text

    run(scene())


@pytest.mark.parametrize(("shows_certificate", "text"), [(True, "unknown certificate"), (False, "no certificate")])
def test_a_foreign_station_is_refused(shows_certificate: bool, text: str) -> None:
    """A certificate of no charter, or none at all, opens nothing, whatever the name in it."""

    async def scene() -> None:
        async with two_stations() as (_, bravo):
            context = outsider_context(make_identity("alfa") if shows_certificate else None)
            reader, writer = await asyncio.open_connection("127.0.0.1", bravo.port, ssl=context)
            writer.write(b"\x05hello")
            with pytest.raises(ssl.SSLError):
                await reader.read()
            writer.close()
            await until(lambda: bravo.refused)
            assert text in bravo.refused[0].text
            assert bravo.opened == []
            assert bravo.frames == []

    run(scene())


def test_a_certificate_signed_by_a_trusted_one_is_refused() -> None:
    """Trust ends with the certificate itself: what its key signs, even if OpenSSL would follow it, is a stranger."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            # Stands for a chain that OpenSSL accepts: bravo's OpenSSL knows the certificate, bravo's names do not.
            del bravo.bearer._names[alfa.identity.certificate]
            ours = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            await ours.closed()
            await until(lambda: bravo.refused)
            assert "stands in none of our charters" in bravo.refused[0].text
            assert bravo.opened == []

    run(scene())


def test_the_dialler_learns_that_it_is_refused() -> None:
    """A listener that does not know us ends the link with an alert; the dialler says what to compare."""

    async def scene() -> None:
        alfa_identity, bravo_identity = make_identity("alfa"), make_identity("bravo")
        alfa = make_station(alfa_identity, "alfa", {"bravo": bravo_identity.certificate})
        async with listening(make_station(bravo_identity, "bravo", {})) as bravo:
            ours = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            ours.send(b"hello")
            await ours.closed()
            ((_, fault),) = alfa.closed
            assert isinstance(fault, BearerFault)
            assert "bravo refuses us: our certificate stands in no charter" in fault.text
            assert ours.received_at is None
            assert bravo.frames == []

    run(scene())


def test_another_station_at_the_address_is_refused() -> None:
    """A trusted station that is not the one called is named; one that is unknown is not."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            charlie = make_identity("charlie")
            alfa.bearer.trust("charlie", charlie.certificate)
            with pytest.raises(BearerFault, match="is really bravo"):
                await alfa.bearer.dial("127.0.0.1", bravo.port, "charlie")
            async with listening(
                make_station(make_identity("delta"), "delta", {"alfa": alfa.identity.certificate})
            ) as delta:
                with pytest.raises(BearerFault, match="unknown certificate"):
                    await alfa.bearer.dial("127.0.0.1", delta.port, "bravo")
                await until(lambda: delta.refused)
            with pytest.raises(LocalMisuse, match="no station of our charters"):
                await alfa.bearer.dial("127.0.0.1", bravo.port, "delta")
            assert alfa.opened == []

    run(scene())


def test_trust_can_be_given_and_withdrawn() -> None:
    """A later charter brings a certificate and takes away another; links by the latter are closed."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            renewed = make_identity("bravo")
            alfa.bearer.trust("bravo", renewed.certificate)
            ours = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            alfa.bearer.distrust(bravo.identity.certificate)
            await ours.closed()
            with pytest.raises(BearerFault, match="none of our charters"):
                await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            async with listening(make_station(renewed, "bravo", {"alfa": alfa.identity.certificate})) as again:
                assert (await alfa.bearer.dial("127.0.0.1", again.port, "bravo")).peer == "bravo"
            with pytest.raises(LocalMisuse, match="our own"):
                alfa.bearer.trust("charlie", alfa.identity.certificate)
            with pytest.raises(LocalMisuse, match="that of bravo already"):
                alfa.bearer.trust("charlie", renewed.certificate)
            with pytest.raises(Malformed):
                alfa.bearer.trust("charlie", b"no certificate")

    run(scene())


def test_an_identity_is_of_one_piece() -> None:
    """A key that is not the certificate's is refused before anything is opened."""
    with pytest.raises(LocalMisuse):
        Identity(make_identity("alfa").certificate, make_identity("alfa").key)


@pytest.mark.parametrize(
    ("from_day", "to_day", "ours", "theirs"),
    [(-9, -1, "ran out on", "has run out"), (1, 9, "valid only from", "not valid yet")],
)
def test_a_certificate_outside_its_dates_is_refused(from_day: int, to_day: int, ours: str, theirs: str) -> None:
    """An old or early certificate is refused at both ends, by name and date, and its owner is told first."""

    async def scene() -> None:
        good_identity, bad_identity = make_identity("good"), make_identity("bad", from_day=from_day, to_day=to_day)
        good = make_station(
            good_identity, "good", {"bad": bad_identity.certificate, "other": make_identity("x").certificate}
        )
        bad = make_station(bad_identity, "bad", {"good": good_identity.certificate})
        async with listening(good):
            with pytest.raises(LocalMisuse, match=f"our certificate .*{ours}|our certificate {ours}"):
                await bad.bearer.dial("127.0.0.1", good.port, "good")
            with pytest.raises(LocalMisuse, match=f"our certificate {ours}|our certificate is {ours}"):
                await bad.bearer.listen("127.0.0.1", 0)
            # A station whose clock is wrong believes in its certificate.
            wrong = make_station(
                bad_identity,
                "bad",
                {"good": good_identity.certificate},
                now_s=lambda: time.time() + (from_day + to_day) // 2 * DAY_SECONDS,
            )
            link = await wrong.bearer.dial("127.0.0.1", good.port, "good")
            await link.closed()
            ((_, fault),) = wrong.closed
            assert fault is not None
            assert theirs in fault.text
            await until(lambda: good.refused)
            assert f"the certificate of bad {ours}" in good.refused[0].text or f"bad is {ours}" in good.refused[0].text
            assert "other" not in good.refused[0].text
            async with listening(wrong):
                with pytest.raises(BearerFault, match=f"the certificate of bad (is )?{ours}"):
                    await good.bearer.dial("127.0.0.1", wrong.port, "bad")
                await until(lambda: wrong.refused)
                assert theirs in wrong.refused[0].text

    run(scene())


def test_a_slow_handshake_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who trickles its handshake has HANDSHAKE_SECONDS_MAX in all, not per octet; a dialler waits no longer either."""
    monkeypatch.setattr(link_module, "HANDSHAKE_SECONDS_MAX", 0.3)
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS_MAX", 0.3)

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            reader, writer = await asyncio.open_connection("127.0.0.1", bravo.port)
            started = time.monotonic()
            for octet in b"\x16\x03\x01\x02\x00\x01" + bytes(500):
                if bravo.refused:
                    break
                writer.write(bytes([octet]))
                await asyncio.sleep(0.02)
            assert await reader.read() == b""
            writer.close()
            assert time.monotonic() - started < 3
            assert "did not prove itself" in bravo.refused[0].text
            mute = socket.create_server(("127.0.0.1", 0))
            with mute, pytest.raises(BearerFault, match=r"did not answer|did not prove"):
                await alfa.bearer.dial("127.0.0.1", mute.getsockname()[1], "bravo")

    run(scene())


def test_strangers_take_a_bounded_number_of_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all places for handshakes are taken the oldest gives way, so a station still gets through."""
    monkeypatch.setattr(tls, "HANDSHAKES_MAX", 5)

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            mutes = [await asyncio.open_connection("127.0.0.1", bravo.port) for _ in range(25)]
            link = await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            link.send(b"through")
            await until(lambda: bravo.frames)
            assert bravo.bearer.refused_count >= 20
            assert len(bravo.refused) == tls.REFUSALS_TOLD_MAX
            assert len(bravo.bearer._unproved) <= 5
            for _, writer in mutes:
                writer.close()

    run(scene())


def test_links_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """LINKS_MAX counts proved links; the one too many is refused, the others stay."""
    monkeypatch.setattr(tls, "LINKS_MAX", 1)

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            await alfa.bearer.dial("127.0.0.1", bravo.port, "bravo")
            charlie_identity = make_identity("charlie")
            bravo.bearer.trust("charlie", charlie_identity.certificate)
            charlie = make_station(charlie_identity, "charlie", {"bravo": bravo.identity.certificate})
            await until(lambda: bravo.opened)
            link = await charlie.bearer.dial("127.0.0.1", bravo.port, "bravo")
            await link.closed()
            assert "no room for charlie" in bravo.refused[0].text
            assert bravo.bearer.link_to("alfa")

    run(scene())


def test_doors_that_cannot_be_opened_are_the_operators_to_mend() -> None:
    """A port in use, an address that is not ours and one that is none are LocalMisuse and say what to do."""

    async def scene() -> None:
        async with two_stations() as (alfa, bravo):
            for host, port, text in (
                ("127.0.0.1", bravo.port, "the port is in use"),
                ("192.0.2.1", 0, "does not have that address"),
                ("127.0.0.1", 99_999, "not an address"),
                ("name.invalid", 0, "cannot be resolved"),
            ):
                with pytest.raises(LocalMisuse, match=text):
                    await alfa.bearer.listen(host, port)

    run(scene())


def free_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("127.0.0.1", free_port, "nothing listens there"),
        ("name.invalid", lambda: 1, "cannot be resolved"),
        ("..", lambda: 1, "not an address"),
        ("127.0.0.1", lambda: 99_999, "not an address"),
    ],
)
def test_stations_that_cannot_be_reached(host: str, port: Callable[[], int], text: str) -> None:
    """Each way in which a call can fail has its own words."""

    async def scene() -> None:
        async with two_stations() as (alfa, _):
            with pytest.raises(BearerFault, match=text):
                await alfa.bearer.dial(host, port(), "bravo")
            assert alfa.opened == []
            assert alfa.bearer._alive == set()

    run(scene())
