"""Operational messages of 265 to 280 octets that the dictionary was not made from.

They were written after the corpus (scripts/message_corpus) was closed, and the corpus was not changed to suit them. Whoever
adds to the corpus writes new texts here, so that the measure stays honest.
"""

ENGLISH = (
    "Pilgrims will walk to the monastery above the lake on Saturday, about 900 of them, starting at 0500 UTC. They are "
    "unarmed and many are old. Please let your pickets know that the lanterns they will see on the slope are not "
    "signals, and have the footpath left unlit by searchlights.",
    "The undersea cable between the two shores was cut at 1548 UTC, probably by an anchor. A repair ship leaves port "
    "tonight and will lie over the break for three days, showing the usual shapes and lights. We ask for a berth of one "
    "mile and for no depth charges in that area.",
    "An airliner with 174 passengers has reported a cracked windscreen and is descending through 9000 feet toward your "
    "coast. The captain means to use the runway nearest the lighthouse. Kindly switch off the missile radars there and "
    "turn on the approach lights; fuel remains for 25 minutes.",
    "Earthquake, magnitude 6.1, felt on either bank at 2233 UTC. Our tunnels and barracks have suffered and the soldiers "
    "you may notice digging are looking for survivors. We lack cranes and dogs. Would your sappers be willing to help, "
    "and under what arrangement could they come over?",
    "Signallers on hill 318 flashed mirrors at your trench this morning. That was a prank by two conscripts and they "
    "have been punished. No code was meant by it. In future any light shown from that ridge will be announced over this "
    "line beforehand, except flares fired in distress.",
    "Reservoir gauges show 41.7 metres and rain is forecast through Sunday. Unless the inflow drops we must open three "
    "sluices at 1900 UTC, which will flood your lower meadows to knee height by midnight. Cattle and pontoons ought to "
    "be moved; the ferry should not sail before dawn.",
    "A defused shell, painted yellow, is being driven along the ring road to the quarry where it will be blown up at "
    "1415 UTC. Windows in your suburb may rattle. Journalists are present with cameras. There is no other firing planned "
    "today on our bank and the mortars are in store.",
    "The satellite that your observers asked about is ours. It is dead, it weighs four tons, and it will fall back to "
    "earth within a week, most likely over the ocean. No poison or reactor is carried. Revised predictions follow every "
    "six hours, and we welcome your own tracking data.",
)
