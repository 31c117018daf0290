"""Two real stations in processes over pseudo-terminals: a serial line alone, then beside the network, with fail-over."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bearers.wires import Relay, Wire
from tests.cli.test_line import Line, ref_of


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A wire between two devices."""
    made = Wire()
    yield made
    made.close()


def make(folder: Path, wire: Wire, *, listen: str = "", duplex: str = "half", speed: int = 9_600) -> Line:
    """Two HOMEs that have joined, with a serial line between them, and TLS if alfa listens."""
    made = Line(folder)
    more = ("--listen", listen, "--bearer", f"tls://{listen}") if listen else ()
    cards = []
    for home, extra in (("alfa", (*more, "--bearer", "serial:line-1")), ("bravo", ("--bearer", "courier:weekly"))):
        words = ("--party", home, "--role", "principal", "--name", f"en=Party {home.title()}")
        cards += ["--card", made.json("init", home, *words, *extra)["card"]]
    made.run(
        "charter", "draft", "--name", "line.example.org/alfa-bravo", "--title", "Line", "--mode", "exercise",
        *cards, "-o", "line.charter",
    )  # fmt: skip
    for home in ("alfa", "bravo"):
        made.run("charter", "sign", home, "line.charter", "--yes")
    for home, other, device in (("alfa", "bravo", wire.devices[0]), ("bravo", "alfa", wire.devices[1])):
        made.run("charter", "join", home, "line.charter")
        config = folder / home / "config.toml"
        table = f'device = "{device}"\npeer = "{other}/hq"\nspeed = {speed}\nduplex = "{duplex}"\nturnaround_ms = 20\n'
        config.write_text(config.read_text().replace("serial = []\n", "") + f"\n[[serial]]\n{table}")
    return made


def bearers(line: Line, home: str) -> dict[str, str]:
    """The state of each bearer to the other station."""
    (channel,) = json.loads(line.run("status", home, "--json"))["channels"]
    (station,) = channel["stations"]
    return {one["bearer"].partition(":")[0]: one["state"] for one in station["bearers"]}


def send(line: Line, text: str, precedence: str = "routine") -> str:
    """One message of alfa."""
    words = ("send", "alfa", "--to", "bravo", "--precedence", precedence, "--exercise", "--message", text)
    return ref_of(line.json(*words))


def end(line: Line) -> None:
    """End what still runs."""
    for process in line.running.values():
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("duplex", ["half", "full"])
def test_a_line_over_serial_only(tmp_path: Path, wire: Wire, duplex: str) -> None:
    """SERIAL-1 to SERIAL-9: from strangers to held and answered; a cut wire is a delay; a restart begins a new meeting."""
    line = make(tmp_path, wire, duplex=duplex)
    try:
        line.start("alfa")
        line.start("bravo")
        line.until(lambda: bearers(line, "alfa") == {"serial": "up"})
        line.until(lambda: len(line.log("alfa")) > 1 and len(line.log("bravo")) > 1)
        ref = send(line, "By wire.", "flash")
        line.until(lambda: line.rung(ref) == "held")
        wire.is_cut = True
        late = send(line, "While it is cut.")
        wire.is_cut = False
        line.until(lambda: line.rung(late) == "held")
        assert line.stop("bravo") == 0
        queued = send(line, "While nobody is there.")
        line.start("bravo")
        line.until(lambda: line.rung(queued) == "held")
        shown = line.run("status", "bravo")
        assert f"serial {wire.devices[1]}, 9600 bit/s, {duplex} duplex" in " ".join(shown.split())
        for home in ("alfa", "bravo"):
            line.stop(home)
            assert line.run("verify", home).startswith("SOUND")
    finally:
        end(line)


@pytest.mark.slow
def test_tls_and_serial_together(tmp_path: Path, wire: Wire) -> None:
    """FRAME-12: routine by TLS alone; the network freezes and a FLASH comes by wire; it is cut and the wire goes on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = make(tmp_path, wire, listen=f"127.0.0.1:{port}")
    relay = Relay(port)
    config = tmp_path / "bravo" / "config.toml"
    config.write_text(config.read_text().replace("dial = {}", f'dial = {{ "alfa/hq" = "127.0.0.1:{relay.port}" }}'))
    try:
        line.start("alfa")
        line.start("bravo")
        line.until(lambda: bearers(line, "alfa") == bearers(line, "bravo") == {"serial": "up", "tls": "up"})
        line.until(lambda: len(line.log("alfa")) > 1 and len(line.log("bravo")) > 1)
        held(line, "the epoch begins")
        line.until(lambda: quiet(wire))
        before = list(wire.octets)
        held(line, "routine")
        assert wire.octets == before
        held(line, "Check your fire, now.", "flash")
        line.until(lambda: wire.octets[0] > before[0] and wire.octets[1] > before[1])
        relay.is_frozen = True
        held(line, "Check your fire, now. The network is dead and nobody knows yet.", "flash")
        assert bearers(line, "alfa")["tls"] == "up"
        relay.cut()
        line.until(lambda: bearers(line, "alfa") == bearers(line, "bravo") == {"serial": "up", "tls": "down"})
        held(line, "by wire alone")
        for home in ("alfa", "bravo"):
            line.stop(home)
            assert line.run("verify", home).startswith("SOUND")
    finally:
        end(line)
        relay.cut()


def held(line: Line, text: str, precedence: str = "routine") -> None:
    """A message of alfa, until bravo holds it."""
    ref = send(line, text, precedence)
    line.until(lambda: line.rung(ref) == "held")


def quiet(wire: Wire) -> bool:
    """Whether the wire carries nothing just now."""
    before = list(wire.octets)
    wire._stop.wait(1.0)
    return wire.octets == before
