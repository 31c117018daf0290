"""One target under atheris: inputs that reach new branches of the program are kept and changed further.

Its law: only this file needs atheris, so everything else in this folder runs in every test. Half of the changes are
those of `mutator.py`, which knows CBOR; the others are libFuzzer's.
"""

import sys

import atheris

with atheris.instrument_imports(include=["detente"], enable_loader_override=False):
    from fuzz.targets import TARGETS

from fuzz.mutator import chance, mutate


def main() -> None:
    """Run the target named first, with libFuzzer's arguments after it. Does not return."""
    target = TARGETS[sys.argv.pop(1)]

    def change(octets: bytes, octets_max: int, seed: int) -> bytes:
        below = chance(seed)
        if below(2):
            return mutate(below, octets, target.seeds)[:octets_max]
        return bytes(atheris.Mutate(octets, octets_max))

    atheris.Setup(sys.argv, target.take, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
