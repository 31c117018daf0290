"""`HOME/config.toml`: what one station is told about itself, in TOML that people read and edit.

Its law: every key has its meaning stated beside it, unknown keys and wrong values are refused with the name of the key,
and what `format_config` writes `parse_config` reads back. No secret stands here.
"""

import json
import re
import tomllib
from dataclasses import asdict, dataclass, field
from typing import Any

from detente.errors import LocalMisuse
from detente.ids import PARTY_ID

ROLES = ("principal", "mediator", "observer", "witness")
STATEMENTS = ("holds", "saw", "none")
NAME_CHARACTERS_MAX = 120  # spec/3: a name in a card
PORT_MAX = 65_535
SERIAL_SPEED_MIN, SERIAL_SPEED_MAX = 75, 4_000_000
DUPLEXES = ("half", "full")
TURNAROUND_MS_MAX = 60_000

_LANGUAGE = re.compile(r"[a-z]{2}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:.]{2,45}\]")
_BY_HAND = re.compile(r"(serial|courier):[a-z0-9][a-z0-9-]{0,62}")
_STATION = re.compile(rf"{PARTY_ID.pattern}/{PARTY_ID.pattern}")


@dataclass(frozen=True, slots=True)
class SerialConfig:
    """One serial line to one station: a port, a modem, a radio."""

    device: str
    peer: str  # "party/station"
    speed: int  # bit/s
    duplex: str = "half"
    turnaround_ms: int = 100  # half duplex: how long the modems need to change direction

    def __post_init__(self) -> None:
        """Raise LocalMisuse that names the key at fault."""
        _require(self.device.startswith("/") and self.device.isprintable(), "serial.device", "a path, /dev/ttyS0")
        _require(_STATION.fullmatch(self.peer), "serial.peer", f"PARTY/STATION, not {self.peer!r}")
        speeds = f"a number of bit/s from {SERIAL_SPEED_MIN} to {SERIAL_SPEED_MAX}"
        _require(SERIAL_SPEED_MIN <= self.speed <= SERIAL_SPEED_MAX, "serial.speed", speeds)
        _require(self.duplex in DUPLEXES, "serial.duplex", f"one of {', '.join(DUPLEXES)}")
        turnaround = f"a number of milliseconds up to {TURNAROUND_MS_MAX}"
        _require(0 <= self.turnaround_ms <= TURNAROUND_MS_MAX, "serial.turnaround_ms", turnaround)


@dataclass(frozen=True, slots=True)
class Config:
    """One station of one party. Addresses are `host:port`; `bearers` are what others dial, as written in cards."""

    party: str
    role: str
    name: dict[str, str]  # language to name
    station: str
    cosign: str
    bearers: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    dial: dict[str, str] = field(default_factory=dict)  # "party/station" to address
    serial: tuple[SerialConfig, ...] = ()
    anchor: str = "anchor/journal"
    passphrase_file: str = ""

    def __post_init__(self) -> None:
        """Raise LocalMisuse that names the key at fault."""
        _require(PARTY_ID.fullmatch(self.party), "party", "1 to 24 characters a-z, 0-9 or -, beginning with a letter")
        _require(
            PARTY_ID.fullmatch(self.station), "station", "1 to 24 characters a-z, 0-9 or -, beginning with a letter"
        )
        _require(self.role in ROLES, "role", f"one of {', '.join(ROLES)}")
        _require(self.cosign in STATEMENTS, "cosign", f"one of {', '.join(STATEMENTS)}")
        _require(self.name, "name", 'at least one name, such as en = "Party Alfa"')
        for language, name in self.name.items():
            _require(
                _LANGUAGE.fullmatch(language), "name", f"a language of two letters before each name, not {language!r}"
            )
            _require(_is_name(name), "name", f"1 to {NAME_CHARACTERS_MAX} printed characters in each language")
        for bearer in self.bearers:
            check_bearer(bearer)
        for address in self.listen:
            _require(_is_address(address), "listen", f"HOST:PORT, for example 0.0.0.0:7410, not {address!r}")
        for station, address in self.dial.items():
            _require(_STATION.fullmatch(station), "dial", f"PARTY/STATION before each address, not {station!r}")
            _require(_is_address(address), "dial", f"HOST:PORT behind each station, not {address!r}")
        devices = [line.device for line in self.serial]
        _require(len(set(devices)) == len(devices), "serial", "one line for each device")
        _require(self.anchor and self.anchor.isprintable(), "anchor", "a path")
        _require(not self.passphrase_file or self.passphrase_file.isprintable(), "passphrase_file", "a path, or empty")


def default_cosign(role: str) -> str:
    """What a station of this role says with a receipt unless it is told otherwise.

    A mediator or observer cosigns only if its charter says so: it must not become a compelled witness.
    """
    return "holds" if role in ("principal", "witness") else "none"


def check_bearer(address: str) -> None:
    """Raise LocalMisuse unless `address` is one of spec/3: `tls://host:port`, `serial:name` or `courier:name`."""
    host = address.removeprefix("tls://")
    good = (host != address and address == address.lower() and _is_address(host)) or _BY_HAND.fullmatch(address)
    _require(
        good, "bearer", f"tls://HOST:PORT, serial:NAME or courier:NAME, such as tls://a.example:7410, not {address!r}"
    )


def parse_config(text: str) -> Config:
    """Read a config. Raises LocalMisuse that names the key at fault."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LocalMisuse(f"config.toml is not TOML: {error}; mend that line") from error
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise LocalMisuse(f"config.toml has unknown keys: {', '.join(unknown)}; known are {', '.join(_KEYS)}")
    for key, (kind, needed, _) in _KEYS.items():
        if key not in table:
            _require(not needed, key, "given; it is missing")
        elif not _fits(table[key], kind):
            _require(False, key, _SHAPES[kind])
    for key in ("bearers", "listen"):
        table[key] = tuple(table.get(key, ()))
    table["serial"] = tuple(_serial(line) for line in table.get("serial", ()))
    return Config(**table)


def format_config(config: Config) -> str:
    """The file, every key explained by a comment. `parse_config` gives the same config back."""
    lines = [
        "# One Detente station. Lines that begin with # explain the key below them. Changes count at its next start.",
        "",
    ]
    for key, (_, _, meaning) in _KEYS.items():
        lines += [f"# {line}" for line in meaning.splitlines()]
        lines += [f"{key} = {_toml(getattr(config, key))}", ""]
    return "\n".join(lines)


# key: (kind, whether it must be there, meaning)
_KEYS: dict[str, tuple[str, bool, str]] = {
    "party": ("text", True, "Which party this station speaks for: its id in every charter."),
    "role": ("text", True, "Role in new cards: principal, mediator, observer or witness."),
    "name": ("table", True, "The party's name in new cards, by language."),
    "station": ("text", True, "This station's id within its party, in every charter."),
    "cosign": (
        "text",
        True,
        """What this station states in new cards with a receipt: holds (all octets are durable here),
saw (the head was seen), none (it gives no receipts).""",
    ),
    "bearers": ("list", False, 'Where others dial this station, in new cards: ["tls://HOST:PORT"]. May be empty.'),
    "listen": (
        "list",
        False,
        """Where this station listens: ["HOST:PORT"]. May be empty: then it only dials.
One reachable side is enough for a line.""",
    ),
    "dial": (
        "table",
        False,
        'Where to dial a station instead of what the charter says: { "bravo/hq" = "HOST:PORT" }.',
    ),
    "serial": (
        "tables",
        False,
        """Serial lines, one table each, here or as [[serial]] below. speed is 75 bit/s or more; duplex is half or full;
turnaround_ms (half duplex) is how long the modems need to change direction. The other station says the same:
serial = [{ device = "/dev/ttyS0", peer = "bravo/hq", speed = 2400, duplex = "half", turnaround_ms = 100 }]""",
    ),
    "anchor": (
        "text",
        False,
        """The journal of what was told, relative to HOME or absolute. Put it on another medium, outside backups:
it shows when the store is an old copy.""",
    ),
    "passphrase_file": (
        "text",
        False,
        """A file whose first line is the passphrase of the keys, relative to HOME or absolute, so that the station
starts unattended. Empty: it asks.""",
    ),
}

_SHAPES = {
    "text": "a text in quotes",
    "list": 'a list of texts, such as ["..."]',
    "tables": 'a list of tables, such as [{ device = "/dev/ttyS0", peer = "bravo/hq", speed = 2400 }]',
    "table": 'a table of texts, such as { en = "..." }',
}


def _fits(value: object, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "list":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == "tables":
        return isinstance(value, list) and all(isinstance(one, dict) for one in value)
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _serial(table: dict[str, object]) -> SerialConfig:
    """One line. Raises LocalMisuse."""
    unknown = sorted(set(table) - set(_SERIAL_KEYS))
    _require(not unknown, "serial", f"a table with the keys {', '.join(_SERIAL_KEYS)}, and not {', '.join(unknown)}")
    for key, (kind, needed) in _SERIAL_KEYS.items():
        _require(key in table or not needed, f"serial.{key}", "given; it is missing")
        _require(
            type(table.get(key, kind())) is kind, f"serial.{key}", "a number" if kind is int else "a text in quotes"
        )
    return SerialConfig(**table)  # type: ignore[arg-type]


_SERIAL_KEYS: dict[str, tuple[type, bool]] = {
    "device": (str, True),
    "peer": (str, True),
    "speed": (int, True),
    "duplex": (str, False),
    "turnaround_ms": (int, False),
}


def _toml(value: str | int | SerialConfig | tuple[Any, ...] | dict[str, Any]) -> str:
    """TOML of a text, number, list or table. Control characters never get here, so JSON's strings are TOML's."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, SerialConfig):
        value = asdict(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    pairs = ", ".join(f"{_quoted(key)} = {_toml(one)}" for key, one in value.items())
    return f"{{ {pairs} }}" if pairs else "{}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _is_name(text: str) -> bool:
    return 1 <= len(text) <= NAME_CHARACTERS_MAX and text.isprintable() and text == text.strip()


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(_HOST.fullmatch(host)) and re.fullmatch(r"[1-9][0-9]{0,4}", port) is not None and int(port) <= PORT_MAX


def _require(holds: object, key: str, wanted: str) -> None:
    if not holds:
        raise LocalMisuse(f"{key} must be {wanted}")
