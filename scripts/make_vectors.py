"""Makes vectors/*.json, the examples that every implementation of spec/ must agree on.

    python scripts/make_vectors.py            # write them
    python scripts/make_vectors.py --check    # say whether what is on disk is what would be written

It keeps: the same files come out each time. What no library gives twice is kept in vectors/random.json (see
vector_sets/base.py). The parts stand in vector_sets/, one for each file, and none of them imports the program.
"""

import json
import sys
from pathlib import Path

from vector_sets import (
    books,
    bundles,
    charters,
    checkpoints,
    contents,
    encoding,
    frames,
    notes,
    padding,
    reading,
    sealing,
    tree,
)
from vector_sets.base import Kept

VECTORS = Path(__file__).parents[1] / "vectors"
FILE_OCTETS_MAX = 400_000
ALL_OCTETS_MAX = 1_500_000


def texts() -> dict[str, str]:
    """Every file by its name."""
    random = VECTORS / "random.json"
    kept = Kept(json.loads(random.read_text())["octets"] if random.exists() else {})
    made: dict[str, dict[str, object]] = {
        "encoding.json": encoding.sets(),
        "notes.json": notes.sets(),
        "tree.json": tree.sets(),
        "checkpoints.json": checkpoints.sets(kept),
        "charters.json": charters.sets(),
        "books.json": books.sets(kept),
        "padding.json": padding.sets(kept),
        "sealing.json": sealing.sets(kept),
        "frames.json": frames.sets(kept),
        "bundles.json": bundles.sets(kept),
        "contents.json": contents.sets(),
        "reading.json": reading.sets(),
    }
    header = {
        "title": "Octets of the other files that come out differently each time; scripts/make_vectors.py keeps them",
        "made": "HPKE wraps and ML-DSA-44 signatures by pyca cryptography, zstd frames by zstandard",
        "verified": "each time the vectors are made: opened, verified or decompressed",
    }
    made["random.json"] = {"header": header, "octets": dict(sorted(kept.after.items()))}
    return {name: f"{json.dumps(content, indent=1)}\n" for name, content in made.items()}


def main() -> int:
    """0 if all is well."""
    made = texts()
    sizes = [len(text) for text in made.values()]
    if max(sizes) > FILE_OCTETS_MAX or sum(sizes) > ALL_OCTETS_MAX:
        print(f"too large: {dict(zip(made, sizes, strict=True))}", file=sys.stderr)
        return 1
    on_disk = {path.name: path.read_text() for path in VECTORS.glob("*.json")}
    if "--check" in sys.argv[1:]:
        wrong = sorted(name for name in {*made, *on_disk} if made.get(name) != on_disk.get(name))
        print(f"not as made: {', '.join(wrong)}" if wrong else f"{len(made)} files are as made")
        return 1 if wrong else 0
    for name in sorted(on_disk.keys() - made.keys()):
        (VECTORS / name).unlink()
    for name, text in made.items():
        (VECTORS / name).write_text(text)
    print(f"{len(made)} files, {sum(sizes)} octets")
    return 0


if __name__ == "__main__":
    sys.exit(main())
