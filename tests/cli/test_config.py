"""`config.toml`: what is written is read back, and every wrong value is refused by the name of its key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import LocalMisuse
from detente.station.config import Config, SerialConfig, default_cosign, format_config, parse_config

NAMES = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=120)
ADDRESSES = st.builds(
    "{}:{}".format, st.sampled_from(["127.0.0.1", "line.example.org", "[::1]"]), st.integers(1, 65_535)
)
PATHS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=40)
LINES = st.builds(
    SerialConfig,
    device=PATHS.map("/dev/{}".format),
    peer=st.just("bravo/hq"),
    speed=st.sampled_from([75, 2_400, 9_600]),
    duplex=st.sampled_from(["half", "full"]),
    turnaround_ms=st.integers(0, 60_000),
)
CONFIGS = st.builds(
    Config,
    party=st.just("alfa"),
    role=st.sampled_from(["principal", "mediator", "observer", "witness"]),
    name=st.dictionaries(st.sampled_from(["en", "uk", "ar"]), NAMES, min_size=1),
    station=st.just("hq"),
    cosign=st.sampled_from(["holds", "saw", "none"]),
    bearers=st.lists(ADDRESSES.map("tls://{}".format), max_size=3).map(tuple),
    listen=st.lists(ADDRESSES, max_size=3).map(tuple),
    dial=st.dictionaries(st.just("bravo/hq"), ADDRESSES),
    serial=st.lists(LINES, max_size=2, unique_by=lambda line: line.device).map(tuple),
    anchor=PATHS,
    passphrase_file=st.one_of(st.just(""), PATHS),
)
GOOD = Config(party="alfa", role="principal", name={"en": "Party Alfa"}, station="hq", cosign="holds")


@given(CONFIGS)
def test_what_is_written_is_read_back(config: Config) -> None:
    """`parse_config(format_config(config)) == config`, whatever stands in names and paths."""
    assert parse_config(format_config(config)) == config


def test_every_key_is_explained() -> None:
    """Each key of the file has a comment of ours above it."""
    lines = format_config(GOOD).split("\n")
    keys = [number for number, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(keys) == 11
    assert all(lines[number - 1].startswith("# ") for number in keys)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('party = "Alfa"', "party must be"),
        ("party = 5", "party must be a text"),
        ('role = "king"', "role must be one of principal"),
        ('cosign = "maybe"', "cosign must be one of holds"),
        ("name = {}", "name must be at least one name"),
        ('name = { english = "Alfa" }', "two letters"),
        ('name = { en = "Al\\u202efa" }', "printed characters"),
        ('listen = "127.0.0.1:1"', "listen must be a list"),
        ('listen = ["127.0.0.1"]', "HOST:PORT"),
        ('listen = ["127.0.0.1:70000"]', "HOST:PORT"),
        ('bearers = ["http://a:1"]', "bearer must be tls://HOST:PORT"),
        ('bearers = ["tls://LINE.EXAMPLE:1"]', "bearer must be tls://HOST:PORT"),
        ('bearers = ["serial:Line 1"]', "serial:NAME"),
        ('dial = { bravo = "a:1" }', "PARTY/STATION"),
        ('serial = ["/dev/ttyS0"]', "serial must be a list of tables"),
        ('serial = [{ device = "/dev/ttyS0", peer = "bravo/hq" }]', "serial.speed must be given"),
        ('serial = [{ device = "ttyS0", peer = "bravo/hq", speed = 2400 }]', "serial.device must be a path"),
        ('serial = [{ device = "/dev/ttyS0", peer = "bravo", speed = 2400 }]', "serial.peer must be PARTY/STATION"),
        ('serial = [{ device = "/dev/ttyS0", peer = "bravo/hq", speed = "fast" }]', "serial.speed must be a number"),
        (
            'serial = [{ device = "/dev/ttyS0", peer = "bravo/hq", speed = 50 }]',
            "serial.speed must be a number of bit/s",
        ),
        ('serial = [{ device = "/dev/ttyS0", peer = "bravo/hq", speed = 75, colour = 1 }]', "and not colour"),
        ('serial = [{ device = "/dev/ttyS0", peer = "b/hq", speed = 75, duplex = "both" }]', "one of half, full"),
        ('dial = { "bravo/hq" = "a" }', "HOST:PORT"),
        ('anchor = ""', "anchor must be a path"),
        ('colour = "red"', "unknown keys: colour"),
    ],
)
def test_wrong_values_name_their_key(line: str, says: str) -> None:
    """A wrong value is LocalMisuse, and its text says which key and what is expected."""
    key = line.split(" ", maxsplit=1)[0]
    kept = [one for one in format_config(GOOD).split("\n") if not one.startswith(f"{key} =")]
    with pytest.raises(LocalMisuse, match=r"must be|unknown") as caught:
        parse_config("\n".join([*kept, line]))
    assert says in caught.value.text


@pytest.mark.parametrize("key", ["party", "role", "name", "station", "cosign"])
def test_missing_keys_are_named(key: str) -> None:
    """A key that must be there is missed by name; the others have defaults."""
    lines = [one for one in format_config(GOOD).split("\n") if not one.startswith(f"{key} =")]
    with pytest.raises(LocalMisuse, match=f"{key} must be given"):
        parse_config("\n".join(lines))


def test_defaults() -> None:
    """A config without the keys that have defaults is the default one; no TOML at all is refused."""
    lines = [
        one for one in format_config(GOOD).split("\n") if not one.startswith(("listen", "bearers", "dial", "anchor"))
    ]
    assert parse_config("\n".join(lines)) == GOOD
    with pytest.raises(LocalMisuse, match="not TOML"):
        parse_config("party = ")


@pytest.mark.parametrize(
    ("role", "statement"), [("principal", "holds"), ("witness", "holds"), ("mediator", "none"), ("observer", "none")]
)
def test_a_mediator_is_not_a_compelled_witness(role: str, statement: str) -> None:
    """Who did not come to witness gives no receipts unless it is told to."""
    assert default_cosign(role) == statement
