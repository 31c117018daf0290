"""Links that fail in every way a wire can: real stations, real TLS, and everything heals by itself (spec/6, LINK-4)."""

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
