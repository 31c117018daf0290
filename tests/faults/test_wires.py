"""Links that fail in every way a wire can: real stations, real TLS, and everything heals by itself."""

import signal

import pytest

from tests.faults.ground import Ground

pytestmark = pytest.mark.slow


def test_a_mediator_serves_what_the_direct_line_cannot(three: Ground) -> None:
    """FRAME-10: with the direct line cut, messages and receipts go by way of the mediator, which cannot read them."""
    three.run().settle()
    three.cut("alfa", "bravo")
    sent = {three.send("alfa", "bravo", f"by another way {number}", "flash"): number for number in range(20)}
    three.wait(lambda: all(three.rung("alfa", ref) == "held" for ref in sent), "bravo holds what alfa sent")
    assert three.links("alfa") == {"bravo": "down", "meridian": "up"}
    assert {three.texts("bravo")[ref] for ref in sent} == {f"by another way {number}" for number in range(20)}
    assert not three.texts("meridian")
    three.mend("alfa", "bravo")
    three.wait(lambda: three.links("alfa")["bravo"] == "up", "the direct line is back")
    three.settle()


def test_a_half_open_link_does_not_hold_up_the_channel(three: Ground) -> None:
    """A wire that takes everything and carries nothing is no cut that a kernel sees: the mediator serves meanwhile."""
    three.run().settle()
    for a, b in (("alfa", "bravo"), ("bravo", "alfa")):
        three.wire(a, b).swallows_calls = three.wire(a, b).swallows_answers = True
    ref = three.send("alfa", "bravo", "into the void, and by the mediator", "flash")
    three.wait(lambda: three.rung("alfa", ref) == "held", "bravo holds it")
    assert three.links("alfa")["bravo"] == "up"
    for a, b in (("alfa", "bravo"), ("bravo", "alfa")):
        three.wire(a, b).swallows_calls = three.wire(a, b).swallows_answers = False
    three.settle()


def test_lost_receipts_heal(pair: Ground) -> None:
    """RECEIPT-5: bravo holds all of it, every answer is lost; when the wire is back its receipts are there again."""
    pair.configure("bravo", dial={})
    pair.run().settle()
    wire = pair.wire("alfa", "bravo")
    wire.swallows_answers = True
    sent = [pair.send("alfa", "bravo", f"heard, and not answered {number}") for number in range(5)]
    pair.wait(lambda: set(sent) <= set(pair.texts("bravo")), "bravo holds them")
    pair.wait(lambda: {pair.rung("alfa", ref) for ref in sent} == {"sent"}, "they were sent, and no more is said")
    wire.cut()
    wire.swallows_answers = False
    wire.mend()
    pair.wait(lambda: {pair.rung("alfa", ref) for ref in sent} == {"held"}, "the receipts are here")
    pair.settle()


def test_a_bit_that_a_wire_turns_over_ends_the_link_and_nothing_else(pair: Ground) -> None:
    """TLS finds it: the link ends with a reason, is made again, and everything arrives once."""
    pair.configure("bravo", dial={})
    pair.run().settle()
    sent = {}
    for number in range(5):
        pair.wire("alfa", "bravo").bits_to_flip = 1
        sent[pair.send("alfa", "bravo", f"through a bad wire {number}")] = f"through a bad wire {number}"
        pair.wait(lambda: pair.wire("alfa", "bravo").bits_to_flip == 0, "the bit was turned over")
    pair.settle()
    assert pair.texts("bravo") == sent
    assert "sent what is not proper TLS 1.3" in pair.said("bravo")
    assert not pair.ask("alfa", "status")["channels"][0]["findings"]


def test_a_station_that_stands_still_holds_up_nobody(three: Ground) -> None:
    """A stopped process whose kernel still answers: the others go on, nothing is said to be held, all comes later."""
    three.run().settle()
    three.signal("bravo", signal.SIGSTOP)
    waits = [three.send("alfa", "bravo", f"while it stands still {number}") for number in range(200)]
    between = [three.send("alfa", "meridian", f"we go on {number}", "flash") for number in range(20)]
    three.wait(lambda: set(between) <= set(three.texts("meridian")), "meridian holds what is for it")
    assert {three.rung("alfa", ref) for ref in (waits[0], waits[-1])} <= {"queued", "sent"}
    three.signal("bravo", signal.SIGCONT)
    three.wait(lambda: three.rung("alfa", waits[-1]) == "held", "bravo holds all of it")
    three.settle()
