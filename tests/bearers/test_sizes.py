"""How many octets a FLASH and its receipt take on a narrow line, framing included: sizes, not timings."""

import pytest

from detente.bearers.streams import Sending
from detente.bearers.units import PAYLOAD_OCTETS_MAX, Stream, encode_unit
from detente.formats.canonical import Value
from detente.formats.content import Content
from detente.formats.entry import Precedence
from detente.formats.frame import Entries, Frame, ReceiptFrame, decode_frame, encode_frame
from detente.ids import PartyId
from detente.protocol.events import Say
from tests.rules.test_bearers import SERIAL, Bearers

FLASH_OCTETS_MAX = 224
RECEIPT_OCTETS_MAX = 96
LARGE = 65_535  # a size below 65,536 takes two octets more than one below 24


def on_the_line(frame: Frame) -> int:
    """The octets of the units that carry a frame."""
    sending = Sending(Stream.URGENT, PAYLOAD_OCTETS_MAX)
    sending.submit(encode_frame(frame))
    octets = 0
    while (unit := sending.data()) is not None:
        octets += len(encode_unit(unit, bytes(4)))
    return octets


def exchanged(content: Content) -> tuple[Entries, ReceiptFrame]:
    """A FLASH to a receiver that is up to date, and its receipt. The books are made to look large."""
    bearers = Bearers()
    bearers.connect(SERIAL)
    bearers.settle()
    bearers.say("the epoch has begun")
    bearers.settle()
    bearers.frames.clear()
    bearers.line.act("alfa", Say(content, Precedence.FLASH, (PartyId("bravo"),)))
    bearers.settle()
    frames = [decode_frame(octets) for _, _, octets in bearers.frames]
    (entries,) = [frame for frame in frames if isinstance(frame, Entries)]
    (receipt,) = [frame for frame in frames if isinstance(frame, ReceiptFrame)]
    (item,) = entries.items
    assert len(item) == 7
    assert item.view is None
    grown = item._replace(seen=tuple(LARGE if count else 0 for count in item.seen), epoch=LARGE)
    return (
        Entries(entries.handle, entries.book, LARGE, entries.signature, (grown,)),
        ReceiptFrame(
            receipt.handle, receipt.book, LARGE, receipt.cosigner, receipt.timestamp, receipt.signature
        ),
    )  # fmt: skip


STOP: dict[str, Value] = {"what": "fire", "where": (48_012, 37_801), "at": 1_770_282_000, "radius": 500}


@pytest.mark.parametrize(
    ("form", "text", "fields"),
    [
        ("message", "Check your fire, now.", None),
        ("message", "Stop all fire in sector 4 north of the river from 12:00 now.", None),  # 60 octets
        ("stop", None, STOP),
    ],
)
def test_a_short_flash_and_its_receipt_are_one_small_unit_each(
    form: str, text: str | None, fields: dict[str, Value] | None
) -> None:
    """Two parties, receiver current, books below 65,536 entries: 224 and 96 octets at most, all framing included."""
    entries, receipt = exchanged(Content(form=form, to=(PartyId("bravo"),), text=text, fields=fields))
    assert on_the_line(entries) <= FLASH_OCTETS_MAX
    assert on_the_line(receipt) <= RECEIPT_OCTETS_MAX


def test_what_does_not_compress_takes_one_step_of_padding_more() -> None:
    """SEAL-3: 60 octets without any order in them do not fit in 64 with the rest of the content, and 96 is the next size."""
    text = "Qx7 zj9 kp3 vw5 hg8 bn2 mt6 rl4 yd1 fs0 uc7 ae9 io3 Qz8 xk5."
    entries, _ = exchanged(Content(form="message", to=(PartyId("bravo"),), text=text))
    assert on_the_line(entries) == 251
