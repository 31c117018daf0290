"""A correspondence file is judged whole, and each fault names the message and the field."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.demo.correspondence import SHIPPED, Correspondence, cast, load, read_correspondence
from detente.errors import LocalMisuse
from detente.ids import PartyId

ALFA, BRAVO = PartyId("alfa"), PartyId("bravo")
GOOD = {"from": "alfa", "to": "bravo", "text": "Call us."}


def read(*messages: object) -> Correspondence:
    """What the program reads from a list of messages."""
    return read_correspondence(json.dumps(messages).encode(), "drill.json")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"from": 5}, r"message 2, field `from`: expected `str`, got `int`"),
        ({"to": 5}, r"message 2, field `to`: expected `str \| array`, got `int`"),
        ({"to": ["bravo", 5]}, r"message 2, field `to\[1\]`: expected `str`"),
        ({"to": []}, r"message 2, field `to`: nobody is addressed"),
        ({"text": ""}, r"message 2, field `text`: the text is empty"),
        ({"text": " \n\t"}, r"message 2, field `text`: the text is empty"),
        ({"text": None}, r"message 2, field `text`: expected `str`"),
        ({"text": "x" * 1_000_001}, r"message 2, field `text`: more than 1000000 octets"),
        ({"text": "half \ud800 a pair"}, r"message 2, field `text`: half of a surrogate pair"),
        ({"from": "\udc00"}, r"message 2, field `from`: half of a surrogate pair"),
        ({"time": "yesterday"}, r"message 2, field `time`"),
        ({"time": "1967-06-31"}, r"message 2, field `time`"),
        ({"time": "1967-06-05T07:47"}, r"message 2, field `time`: .* with Z or an offset"),
        ({"time": "1967-W23-1"}, r"message 2, field `time`"),
        ({"time": 1967}, r"message 2, field `time`"),
        ({"precedence": "urgent"}, r"message 2, field `precedence`: one of flash, immediate, priority, routine"),
        ({"language": "english"}, r"message 2, field `language`"),
        ({"date": "1967-06-05"}, r"message 2: object contains unknown field `date`"),
    ],
)
def test_each_fault_names_the_message_and_the_field(change: dict[str, object], fault: str) -> None:
    """READ-1, READ-4: one wrong field in the second of two messages."""
    with pytest.raises(LocalMisuse, match=r"^drill\.json: " + fault):
        read(GOOD, {**GOOD, **change})


@pytest.mark.parametrize("missing", GOOD)
def test_what_is_missing_is_named(missing: str) -> None:
    """`from`, `to` and `text` are needed."""
    with pytest.raises(LocalMisuse, match=f"message 1: object missing required field `{missing}`"):
        read({key: value for key, value in GOOD.items() if key != missing})


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"", "is not JSON"),
        (b"[]", "holds no message"),
        (b"{}", "is a JSON list"),
        (b"[" * 100_000, "is not JSON"),
        (b'[{"from":"a","to":"b","text":"c","text":"d"}]', "message 1, field `text`: stands twice"),
        (b'[{"from":"a","to":"b","text":"\xff"}]', "is not JSON"),
        (b"[5]", "message 1: expected `object`, got `int`"),
    ],
)
def test_what_is_no_correspondence_is_refused(octets: bytes, fault: str) -> None:
    """Other JSON, and what is none."""
    with pytest.raises(LocalMisuse, match=fault):
        read_correspondence(octets, "drill.json")


def test_every_json_torture_case_is_refused_or_read(shared_data: Path) -> None:
    """317 texts, as a file and as the text of a message: a clear fault or a correspondence, never a crash."""
    cases = (shared_data / "badinput" / "jsontestsuite_parsing.jsonl").read_text().splitlines()
    accepted: set[str] = set()
    for case in map(json.loads, cases):
        octets = b64decode(case["b64"])
        with pytest.raises(LocalMisuse, match="drill"):
            read_correspondence(octets, "drill.json")
        try:
            read_correspondence(b'[{"from":"a","to":"b","text":"x"},' + octets + b"]", "drill.json")
        except LocalMisuse as fault:
            assert fault.text.startswith("drill.json")  # noqa: PT017 - either outcome is right here
        else:
            accepted.add(case["path"])
        if case["expect"] == "reject":
            with pytest.raises(LocalMisuse):
                read_correspondence(b'[{"from":"a","to":"b","text":' + octets + b"}]", "drill.json")
    assert not accepted
    assert len(cases) == 317


@given(st.text(min_size=1).filter(lambda text: not text.isspace()))
def test_a_text_comes_back_as_it_is(text: str) -> None:
    """READ-3: whatever is text, escaped or not."""
    for ascii_only in (True, False):
        octets = json.dumps([{**GOOD, "text": text}], ensure_ascii=ascii_only).encode()
        assert read_correspondence(octets, "x").messages[0].text == text


def test_names_become_parties() -> None:
    """--as first, then a name that is a party's id; what is left over, wrong or not in the file is named."""
    letters = read({**GOOD, "from": "First Secretary"}, {**GOOD, "from": "bravo", "to": ["First Secretary"]})
    planned = cast(letters, {"First Secretary": ALFA}, (ALFA, BRAVO))
    assert [(one.sender, one.to) for one in planned] == [(ALFA, (BRAVO,)), (BRAVO, (ALFA,))]
    for names, fault in (
        ({}, "message 1, field `from`: 'First Secretary' is no party .* --as 'First Secretary=PARTY'"),
        ({"First Secretary": BRAVO}, "message 1, field `to`: bravo would write to itself"),
        ({"First Secretary": PartyId("harbour")}, "the channel has no party harbour"),
        ({"First Secretary": ALFA, "Second": ALFA}, "no message in drill.json names 'Second'"),
    ):
        with pytest.raises(LocalMisuse, match=fault):
            cast(letters, names, (ALFA, BRAVO))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_can_be_played(name: str) -> None:
    """13 messages of the hotline of June 1967; times rise, texts are placeholders that say EXERCISE."""
    letters = load(name)
    planned = cast(letters, {"us-molink": ALFA, "soviet-molink": BRAVO}, (ALFA, BRAVO))
    moments = [one.moment for one in planned if one.moment and one.time and "T" in one.time]
    assert len(planned) == 13
    assert moments == sorted(moments)
    assert all(one.text.startswith(("EXERCISE. [", "\u0423\u0427\u0415\u041d\u0418\u0415. [")) for one in planned)


def test_shipped_times_are_those_of_the_record(shared_data: Path) -> None:
    """Every transmission time of the table stands in the file, in its order, and from the station that sent it."""
    rows = (shared_data / "hotline" / "molink_1967_times.csv").read_text().splitlines()
    columns = rows[0].split(",")
    letters = load("molink-1967")
    assert len(letters.messages) == len(rows) - 1
    for message, row in zip(letters.messages, rows[1:], strict=True):
        hour, day = message.time or "", row.split(",")[columns.index("date")]
        assert hour.startswith(day)
        if "T" in hour:
            station = {"us-molink": "US Molink", "soviet-molink": "Soviet Molink"}[message.sender]
            assert f"{station},{hour[11:16]}," in row
