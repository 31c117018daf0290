"""Contents: READ-1 exactly, and texts octet for octet (READ-3)."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given

from detente.errors import LocalMisuse, Malformed
from detente.formats.canonical import decode, encode
from detente.formats.content import Content, decode_content, encode_content
from detente.ids import PartyId, Ref
from tests.formats.values import contents


@given(contents)
def test_read_1_a_content_comes_back(content: Content) -> None:
    """READ-1, SEAL-5: content to octets to content, in the encoding of CBOR-2."""
    octets = encode_content(content)
    assert decode_content(octets) == content
    assert encode(decode(octets)) == octets


def test_read_1_absent_keys_are_not_written() -> None:
    """READ-1: all but `form` is optional, and what is absent takes no room."""
    assert encode_content(Content("message")) == encode({"form": "message"})


def test_read_2_references_are_arrays() -> None:
    """READ-2: [party, book number, index]."""
    octets = encode_content(Content("acknowledge", re=(Ref(PartyId("alfa"), 1, 17),)))
    assert decode(octets) == {"form": "acknowledge", "re": (("alfa", 1, 17),)}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": "no form"},
        {"form": ""},
        {"form": "Message"},
        {"form": "a" * 41},
        {"form": "message\n"},
        {"form": b"message"},
        {"form": "message", "colour": "red"},
        {"form": "message", "Text": "a"},
        {"form": "message", "to": []},
        {"form": "message", "to": "alfa"},
        {"form": "message", "to": ["alfa"] * 17},
        {"form": "message", "to": ["1alfa"]},
        {"form": "message", "info": [1]},
        {"form": "message", "by": ""},
        {"form": "message", "by": "a" * 201},
        {"form": "message", "by": "\u20ac" * 67},
        {"form": "message", "lang": "eng"},
        {"form": "message", "lang": "EN"},
        {"form": "message", "text": b"octets"},
        {"form": "message", "text": None},
        {"form": "message", "re": []},
        {"form": "message", "re": [["alfa", 1]]},
        {"form": "message", "re": [["alfa", 0, 1]]},
        {"form": "message", "re": [["alfa", 65, 1]]},
        {"form": "message", "re": [["alfa", 1, 2**40]]},
        {"form": "message", "re": [["alfa", True, 1]]},
        {"form": "message", "re": [["alfa", 1, 1]] * 17},
        {"form": "message", "part": [0, 1]},
        {"form": "message", "part": [2, 1]},
        {"form": "message", "part": [1, 65_536]},
        {"form": "message", "part": [1]},
        {"form": "message", "fields": []},
        {"form": "message", "fields": None},
    ],
)
def test_read_1_refusals(fields: dict[str, object]) -> None:
    """READ-1, READ-2: unknown keys and values of another shape are refused."""
    with pytest.raises(Malformed) as caught:
        decode_content(encode(fields))  # type: ignore[arg-type]
    assert caught.value.rule in ("READ-1", "READ-2")


@pytest.mark.parametrize("value", [[], 7, "message", None])
def test_read_1_a_content_is_a_map(value: object) -> None:
    """READ-1: nothing but a map."""
    with pytest.raises(Malformed, match="a map"):
        decode_content(encode(value))  # type: ignore[arg-type]


def test_cbor_1_within_fields() -> None:
    """CBOR-1: a float deep within `fields` is found."""
    octets = encode({"form": "status", "fields": {"a": [0, [{"b": 0}]]}})
    assert octets.count(b"\xa1ab\x00") == 1
    with pytest.raises(Malformed, match="CBOR-1"):
        decode_content(octets.replace(b"\xa1ab\x00", b"\xa1ab\xf9\x00\x00"))


@pytest.mark.parametrize(
    "content",
    [
        Content("Message"),
        Content("message", to=(PartyId("ALFA"),)),
        Content("message", text="\ud800"),
        Content("message", fields={"a": 1.5}),  # type: ignore[dict-item]
    ],
)
def test_read_1_is_kept_when_writing(content: Content) -> None:
    """READ-1, CBOR-1: what nobody could read is refused before it is sealed."""
    with pytest.raises(LocalMisuse):
        encode_content(content)


def _hostile_texts(shared_data: Path) -> list[str]:
    folder = shared_data / "badinput"
    found: list[str] = json.loads((folder / "blns.json").read_text())
    for name in ("jsontestsuite_parsing.jsonl", "trojan_source_samples.jsonl"):
        lines = (folder / name).read_text().splitlines()
        found += [base64.b64decode(json.loads(line)["b64"]).decode("utf-8", errors="replace") for line in lines]
    return found


def test_read_3_hostile_texts_come_back(shared_data: Path) -> None:
    """READ-3: texts travel octet for octet, the naughty ones and direction marks among them; nothing is normalised."""
    texts = _hostile_texts(shared_data)
    assert len(texts) > 700
    for text in texts:
        content = Content("message", text=text, fields={"note": text})
        assert decode_content(encode_content(content)) == content


def test_noise_is_no_content(shared_data: Path) -> None:
    """READ-1: files made to break parsers are refused, with Malformed and nothing else."""
    for line in (shared_data / "badinput" / "jsontestsuite_parsing.jsonl").read_text().splitlines():
        with pytest.raises(Malformed):
            decode_content(base64.b64decode(json.loads(line)["b64"]))
