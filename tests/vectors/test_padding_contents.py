"""vectors/padding and contents: sizes, codings, contents and texts in parts are as stated there."""

from functools import partial
from typing import Any

import pytest

from detente.crypto.hashing import sha256
from detente.errors import LocalMisuse
from detente.formats.canonical import encode
from detente.formats.content import decode_content, encode_content
from detente.formats.dictionary import DICTIONARY, DICTIONARY_DIGEST
from detente.formats.entry import Leaf
from detente.formats.padding import pack, padded_size, unpack
from detente.ids import PartyId, Ref, parse_ref
from detente.protocol.epochs import content_of
from detente.protocol.sealing import Unopenable
from detente.records.log import LogEntry, log_lines
from detente.records.order import Item
from tests.vectors.cases import Case, every, judged, load, octets_of


def test_seal_3_every_size() -> None:
    """SEAL-3: each length gets the first size of the table that holds it, and there is no other."""
    sizes = load("padding")["sizes"]
    for before, size in zip([0, *sizes], sizes, strict=False):
        assert {padded_size(octets) for octets in (before + 1, (before + 1 + size) // 2, size)} == {size}
    with pytest.raises(LocalMisuse):
        padded_size(sizes[-1] + 1)


def test_seal_2_the_dictionary() -> None:
    """SEAL-2: the dictionary of the vectors is the program's."""
    stated = load("padding")["dictionary"]
    assert (DICTIONARY.hex(), DICTIONARY_DIGEST.hex()) == (stated["octets"], stated["sha256"])
    assert sha256(DICTIONARY) == DICTIONARY_DIGEST


@every("padding", "padded")
def test_seal_4_padded_plaintexts(case: Case) -> None:
    """SEAL-2, SEAL-3, SEAL-4, and the reasons of SEAL-6."""
    p = octets_of(case) if "parts" in case else octets_of(case, "p")
    dictionary = DICTIONARY if case["dictionary"] else None
    if judged(case, partial(unpack, p, dictionary)):
        content = unpack(p, dictionary)
        stated = case.get("content_sha256") or sha256(octets_of(case, "content")).hex()
        assert sha256(content).hex() == stated
        assert unpack(pack(content, dictionary), dictionary) == content  # our own coding may be another one
    else:
        with pytest.raises(Unopenable) as caught:
            content_of(p, dictionary)
        assert caught.value.reason == case["reason"]


@every("contents", "contents")
def test_read_1_contents(case: Case) -> None:
    """READ-1, READ-2, READ-3: to the content and back to the same octets."""
    octets = octets_of(case)
    if judged(case, partial(decode_content, octets)):
        assert encode_content(decode_content(octets)) == octets
    else:
        with pytest.raises(Unopenable) as caught:
            content_of(
                b"\0" + len(octets).to_bytes(2, "big") + octets + bytes(padded_size(3 + len(octets)) - 3 - len(octets)),
                None,
            )
        assert caught.value.reason == "content"


@every("contents", "references")
def test_read_2_references(case: Case) -> None:
    """READ-2: as people write them."""
    assert parse_ref(case["text"]) == tuple(case["reference"])
    assert str(parse_ref(case["text"])) == case["text"]


@every("contents", "parts")
def test_read_5_texts_in_parts(case: Case) -> None:
    """READ-5: the whole text, where it is whole."""

    def entry(reference: list[Any], octets: str) -> LogEntry:
        party, book, index = reference
        place = ("alfa", "bravo").index(party)
        leaf = Leaf(2, index, 0, 1, (0, 0), bytes(32), 1, bytes(32))
        return LogEntry(
            Item(Ref(PartyId(party), book, index), place, leaf, True), decode_content(bytes.fromhex(octets))
        )

    lines = log_lines([entry(*one) for one in case["entries"]])
    wholes = [
        [[line["party"], line["book"], line["index"]], line["whole"]] for line in lines if line["whole"] is not None
    ]
    assert sorted(wholes) == sorted(case["wholes"])


def test_contents_are_those_of_the_encoding() -> None:
    """SEAL-5: what the content vectors hold is written by the general encoding too."""
    assert encode({"form": "x"}).hex() in {case["octets"] for case in load("contents")["contents"]}
