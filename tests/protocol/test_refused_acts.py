"""A refused act of an office changes nothing: no entry of it is written, and the station goes on."""

import random
import string

import pytest

from detente.errors import LocalMisuse
from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.ids import PartyId, Ref
from detente.protocol.events import Say
from tests.rules import lines

chance = random.Random(1)
BRAVO = PartyId("bravo")
NOISE = "".join(chance.choices(string.ascii_letters, k=30_000))  # compresses by a quarter, no more
REFERENCES = tuple(Ref(BRAVO, 1, index) for index in range(16))
FIELDS = {"note": chance.randbytes(8_000)}


@pytest.mark.parametrize(
    "content",
    [
        Content(form="message", to=(BRAVO,), text="\ud800"),
        Content(form="message", to=(BRAVO,), text=NOISE, re=REFERENCES),  # part 2 would refer to 17 entries
        Content(form="message", to=(BRAVO,), text="a" * 12_000 + NOISE, fields=FIELDS),  # only part 1 would fit
    ],
    ids=["half a surrogate pair", "too many references in later parts", "a later part too large"],
)
@pytest.mark.parametrize("audience", [(BRAVO,), ()], ids=["sealed", "open"])
def test_nothing_of_it_is_written(content: Content, audience: tuple[PartyId, ...]) -> None:
    """READ-5: all parts of a text are written, or none."""
    line = lines.pair()
    before = lines.size(line, "alfa", "alfa")
    with pytest.raises(LocalMisuse):
        line.act("alfa", Say(content, Precedence.ROUTINE, audience))
    assert lines.size(line, "alfa", "alfa") == before
    line.say("alfa", "The next one.", ["bravo"])
    line.settle()
    assert lines.size(line, "bravo", "alfa") > before
