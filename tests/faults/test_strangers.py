"""Whoever is not of the channel, and a station of it that sends nonsense: refused in words, while the others talk on."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from detente.bearers.tls import Identity, _context
from detente.demo.stage import PASSPHRASE
from detente.formats.frame import Entries, ForkFrame, Hello, Subtree, Want, encode_frame, length_prefix
from detente.limits import FRAME_OCTETS_MAX
from tests.bearers.stations import make_identity
from tests.faults.ground import KEY, Ground

pytestmark = pytest.mark.slow


@contextmanager
def connection(ground: Ground, to: str, identity: Identity) -> Iterator[ssl.SSLSocket]:
    """A TLS connection to a real station, by somebody who says what he likes on it."""
    context = _context(identity, ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", ground.port(to)), timeout=20) as raw,
        context.wrap_socket(raw, suppress_ragged_eofs=False) as secure,
    ):
        yield secure


def ends(secure: ssl.SSLSocket, octets: bytes = b"") -> bool:
    """Whether the station ends the connection at these octets, whatever it says before."""
    try:
        secure.sendall(octets)
        while secure.recv(65_536):
            pass
    except (ssl.SSLError, ConnectionError):
        pass
    return True


def test_a_foreign_station_is_refused_and_nobody_is_harmed(pair: Ground) -> None:
    """LINK-2: an unknown certificate with a familiar name opens nothing; the log says what it was, the line stays."""
    pair.run().settle()
    for _ in range(5):
        with connection(pair, "alfa", make_identity("bravo hq")) as secure:
            assert ends(secure)
    pair.wait(
        lambda: "is no station of our charters: it showed an unknown certificate" in pair.said("alfa"), "it is said"
    )
    ref = pair.send("alfa", "bravo", "unharmed", "flash")
    pair.wait(lambda: pair.rung("alfa", ref) == "held", "the line stays")
    assert set(pair.links("alfa")) == {"bravo"}


def test_two_stations_at_one_port(pair: Ground) -> None:
    """The second one says what is wrong and what to do, status 2, and changes nothing; the first runs on."""
    pair.configure("bravo", listen=(f"127.0.0.1:{pair.port('alfa')}",))
    pair.run("alfa")
    pair.start("bravo")
    pair.wait(lambda: not pair.is_alive("bravo"), "bravo has given up")
    assert pair.status("bravo") == 2
    assert pair.said("bravo") == (
        f"error: cannot listen at 127.0.0.1 port {pair.port('alfa')}: the port is in use; stop the other program, "
        "or choose another port\n"
    )
    pair.configure("bravo", listen=())
    pair.run("bravo").settle()


def test_two_processes_of_one_home(pair: Ground) -> None:
    """The second one names the first, status 2; the first runs on."""
    pair.run().settle()
    first = pair._processes["alfa"]
    pair.start("alfa")
    pair.wait(lambda: not pair.is_alive("alfa"), "the second has given up")
    assert pair.status("alfa") == 2
    assert f"is in use by detente, process {first.pid}; stop it" in pair.said("alfa")
    pair._processes["alfa"] = first
    pair.send("alfa", "bravo", "still here")
    pair.settle()


# --- a station of the channel whose software is hostile


class Hostile:
    """Meridian's certificate and key in the hands of a test."""

    def __init__(self, three: Ground) -> None:
        self.three = three
        self.identity = Identity(*three.homes["meridian"].tls_identity(PASSPHRASE))
        driver = three.homes["meridian"].open_driver(PASSPHRASE)
        self.channel = three.channels[KEY]
        newest = driver.channels[self.channel].roster.newest
        driver.close()
        self.hello = encode_frame(Hello(0, self.channel, 1, newest.charter.number, newest.digest, ()))


def framed(octets: bytes) -> bytes:
    """A frame as it travels."""
    return length_prefix(len(octets)) + octets


TILE = Subtree(0, b"h" * 32)
ENTRIES = Entries(0, 0, 0, b"s" * 64, (TILE,))

# What is sent after a proper HELLO, and what the station's log must say of it.
NONSENSE: dict[str, tuple[Callable[[Hostile], bytes], str]] = {
    "a frame cut short": (lambda _: framed(encode_frame(ENTRIES)[:-7]), "meridian"),
    "a frame with a bit turned over": (
        lambda h: framed(h.hello[:1] + bytes([h.hello[1] ^ 1]) + h.hello[2:]),
        "[FRAME-1]",
    ),
    "octets left over": (lambda h: framed(h.hello + b"\0"), "[CBOR-2]"),
    "a kind that does not exist": (lambda _: framed(b"\x83\x18\x63\x00\x00"), "no frame of kind 99 [FRAME-1]"),
    "the reserved kind": (lambda _: framed(b"\x82\x04\x00"), "no frame of kind 4 [FRAME-1]"),
    "a handle that no HELLO gave": (lambda _: framed(encode_frame(Want(7, 0, 0, True))), "handle 7"),
    "a frame too large": (lambda _: length_prefix(FRAME_OCTETS_MAX + 1) + bytes(70_000), "[FRAME-1]"),
    "a length of 2^62": (lambda _: b"\xff" * 8 + bytes(1_000), "[FRAME-1]"),
    "a length in a longer form": (lambda _: b"\x40\x05hello", "[FRAME-1]"),
    "no CBOR": (lambda _: framed(b"\xff" * 100), "[CBOR-"),
    "deep nesting": (lambda _: framed(b"\x81" * 1_000 + b"\x00"), "[CBOR-2]"),
    "a head that nobody signed": (lambda _: framed(encode_frame(ENTRIES)) * 2, "does not follow"),
    "a fork that is none": (
        lambda _: framed(encode_frame(ForkFrame(0, 0, 1, b"r" * 32, b"s" * 64, b"s" * 64, (TILE,)))),
        "no proof of a fork [FORK-1]",
    ),
}


@pytest.fixture(scope="module")
def hostile(made_three: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """Alfa and bravo run; meridian is the test's."""
    three = made_three.copy_to(tmp_path_factory.mktemp("hostile") / "g")
    try:
        three.run("alfa", "bravo").settle("alfa", "bravo")
        yield Hostile(three)
    finally:
        three.stop_all()


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_of_a_proved_station_ends_its_link_only(hostile: Hostile, what: str) -> None:
    """FRAME-1: the link ends, the log names who and the rule, nothing is kept, and alfa and bravo talk meanwhile."""
    make, says = NONSENSE[what]
    three = hostile.three
    before = len(three.said("alfa"))
    with connection(three, "alfa", hostile.identity) as secure:
        ref = three.send("alfa", "bravo", what, "flash")
        assert ends(secure, framed(hostile.hello) + make(hostile))
    three.wait(lambda: three.rung("alfa", ref) == "held", "alfa and bravo talk on")
    three.wait(lambda: says in three.said("alfa")[before:] and "meridian" in three.said("alfa")[before:], "it is said")
    assert three.links("alfa")["bravo"] == "up"
    assert not three.ask("alfa", "status")["channels"][0]["findings"], "what nobody signed accuses nobody"
    assert "Traceback" not in three.said("alfa")


def test_a_proved_station_that_breaks_off_within_a_frame(hostile: Hostile) -> None:
    """Half a frame and the end of the line: told as broken off; nothing is kept."""
    three = hostile.three
    with connection(three, "alfa", hostile.identity) as secure:
        secure.sendall(framed(hostile.hello) + framed(bytes(1_000))[:500])
        time.sleep(0.2)
    ref = three.send("bravo", "alfa", "within a frame", "flash")
    three.wait(lambda: three.rung("bravo", ref) == "held", "alfa goes on")


def test_nonsense_for_ever_delays_nobody(hostile: Hostile) -> None:
    """A proved station that comes back with nonsense again and again: each message between the others is held at once."""
    three = hostile.three
    for number in range(40):
        with connection(three, "alfa", hostile.identity) as secure:
            secure.sendall(framed(hostile.hello) + framed(b"\xff" * 60_000))
            ref = three.send("bravo", "alfa", f"in between {number}", "flash")
            began = time.monotonic()
            three.wait(lambda r=ref: three.rung("bravo", r) == "held", "it is held")  # type: ignore[misc]
            assert time.monotonic() - began < 10
    assert three.links("bravo")["alfa"] == "up"
