"""`make kill ROUNDS=N FIRST=M`: kill real stations with SIGKILL in N bursts of the seed M, and look for what is lost.

What a round is and what must hold stands in tests/faults/kill.py. A failure prints the command that repeats it; the
instants of the kills come from the seed, what the machine does between them does not.
"""

import sys
import tempfile
from pathlib import Path

from detente.errors import BearerFault
from tests.faults.ground import PAIR, Ground
from tests.faults.kill import kill_rounds


def main(rounds: int, first: int) -> int:
    """Play `rounds` rounds of the seed `first`; the exit status."""
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        ground = Ground(Path(folder)).make(PAIR)
        ground.lay_wires()
        try:
            ground.run().settle()
            told = kill_rounds(ground, rounds, first, print)
        except (AssertionError, BearerFault) as failure:
            print(f"make kill ROUNDS={rounds} FIRST={first} failed: {failure}", file=sys.stderr)
            for party in ground.homes:
                print(f"--- {party}\n{ground.said(party)[-4_000:]}", file=sys.stderr)
            return 1
        finally:
            ground.stop_all()
    print(f"Nothing lost, nothing twice, nothing forked: {told.kills} kills, {len(told.texts):,} messages told.")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
