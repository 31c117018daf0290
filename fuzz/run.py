"""Fuzz every target, or the named ones, for some seconds each: `make fuzz SECONDS=60 ARGS="charter wire"`.

Coverage guides the choice of inputs (`guided.py`, one process a target, so that one that dies ends nothing else). What
breaks an invariant is kept as a file in `fuzz/found/TARGET/`; `make test` replays those for ever.
"""

import argparse
import subprocess
import sys
import textwrap
from hashlib import sha256
from pathlib import Path

from fuzz.mutator import OCTETS_MAX
from fuzz.targets import TARGETS

HERE = Path(__file__).resolve().parent
FOUND = HERE / "found"
CORPUS = HERE / "corpus"  # grows from run to run; git ignores it
INPUT_SECONDS_MAX = 10
MEMORY_MIB_MAX = 1_024
DONE_LINES = ("stat::number_of_executed_units", "stat::new_units_added", "stat::peak_rss_mb")


def main() -> int:
    """0 if nothing was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="all unless named")
    arguments = parser.parse_args()
    found = [name for name in arguments.targets or TARGETS if not fuzz(name, arguments.seconds)]
    print(f"fuzz: {'found something in ' + ', '.join(found) if found else 'nothing found'}")
    return 1 if found else 0


def fuzz(name: str, seconds: int) -> bool:
    """Whether a run of one target found nothing."""
    corpus, artifacts = folder(CORPUS, name), folder(CORPUS, name + " artifacts")
    for octets in TARGETS[name].seeds:
        keep(corpus, octets)
    options = [str(corpus), f"-max_total_time={seconds}", f"-artifact_prefix={artifacts}/", "-print_final_stats=1"]
    options += [f"-timeout={INPUT_SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MIB_MAX}", f"-max_len={OCTETS_MAX}"]
    command = [sys.executable, "-m", "fuzz.guided", name, *options]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, errors="replace", check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith(DONE_LINES)]
    print(f"fuzz: {name}: " + ", ".join(" ".join(line.removeprefix("stat::").split()) for line in lines), flush=True)
    if done.returncode:
        for artifact in sorted(artifacts.iterdir()):
            print(f"fuzz: {name}: kept {keep_found(name, artifact.read_bytes())}")
            artifact.unlink()
        print(done.stdout[-4_000:], done.stderr[-4_000:])  # the exception, then libFuzzer's own account
    return not done.returncode


def folder(parent: Path, name: str) -> Path:
    """The folder of a target, made if need be."""
    path = parent / name.replace(" ", "-")
    path.mkdir(parents=True, exist_ok=True)
    return path


def keep(where: Path, octets: bytes) -> Path:
    """A file with these octets, named by their hash."""
    path = where / sha256(octets).hexdigest()[:16]
    path.write_bytes(octets)
    return path


def keep_found(name: str, octets: bytes) -> Path:
    """A file of hexadecimal digits that `make test` replays."""
    path = folder(FOUND, name) / f"{sha256(octets).hexdigest()[:16]}.hex"
    path.write_text("\n".join(textwrap.wrap(octets.hex(), 120)) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
