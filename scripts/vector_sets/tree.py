"""vectors/tree.json: TREE-1 to TREE-4."""

from vector_sets.base import MADE, Case, Cases, bad, cover, covering, good, leaf_hash, root

HEADER = {
    "title": "Roots, covers, frontiers and tilings",
    "rules": ["TREE-1", "TREE-2", "TREE-3", "TREE-4"],
    "made": MADE + "; roots by the recursion of RFC 6962, 2.1",
    "verified": "published_leaves: roots that implementations of certificate transparency publish for these leaves; the program",
    "groups": {
        "published_leaves": "`leaves` and the root over all of them",
        "roots": "the root over `size` leaves; leaf i is the 4 octets of i, big-endian",
        "covers": "the cover of [start, stop) as [level, first leaf]",
        "frontiers": "the hashes of the cover of [0, size), leaves as in roots",
        "tilings": "from `frontier` at `start` the `items` [level, hash] lead to `size` and `root`; "
        "`boundaries` are [size, root] after each item",
    },
}
PUBLISHED = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
PUBLISHED_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(1100)]
SIZES = [*range(18), 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1000, 1024, 1025]
RANGES = [
    (0, 0), (7, 7), (0, 1), (0, 2), (0, 3), (0, 7), (0, 8), (1, 2), (1, 8), (2, 8), (3, 8), (4, 8), (5, 8), (7, 8), (7, 9),
    (3, 13), (6, 21), (8, 24), (255, 257), (1, 1024), (1000, 1025), (0, 2**40), (1, 2**40), (2**39, 2**40), (2**40 - 1, 2**40),
    (123_456_789, 987_654_321),
]  # fmt: skip
TILINGS: list[tuple[str, int, list[tuple[int, int]]]] = [
    ("nothing", 5, []),
    ("from nothing, by leaves", 0, [(0, number) for number in range(5)]),
    ("from nothing, by its cover", 0, cover(0, 13)),
    ("a longer tiling than the cover", 0, [(1, 0), (0, 2), (0, 3), (2, 4)]),
    ("from 3, by leaves", 3, [(0, 3), (0, 4)]),
    ("from 3, by its cover", 3, cover(3, 21)),
    ("a jump over what is missing", 6, [*cover(6, 20), (0, 20), *cover(21, 33)]),
    ("from 257, by its cover", 257, cover(257, 1025)),
    ("one subtree as large as what is there", 8, [(3, 8)]),
]
MISALIGNED: list[tuple[str, int, list[int]]] = [
    ("a pair at 1", 1, [1]),
    ("a pair after one leaf", 0, [0, 1]),
    ("four leaves at 6", 6, [2]),
    ("eight leaves at 4", 4, [3]),
    ("a subtree of level 40 after one leaf", 1, [40]),
    ("two subtrees of level 39 and a leaf", 0, [39, 39, 0]),
]


def tiling(name: str, start: int, tiles: list[tuple[int, int]]) -> Case:
    """A tiling with everything that follows from it."""
    items, boundaries, size = [], [], start
    for level, first in tiles:
        size = first + (1 << level)
        items.append([level, root(LEAVES[first:size]).hex()])
        boundaries.append([size, root(LEAVES[:size]).hex()])
    frontier = [one[1].hex() for one in covering(LEAVES, 0, start)]
    fields = {"start": start, "frontier": frontier, "items": items, "boundaries": boundaries}
    return good(name, **fields, size=size, root=root(LEAVES[:size]).hex())


def misaligned(name: str, start: int, levels: list[int]) -> Case:
    """A tiling that is none; its hashes mean nothing."""
    frontier = [one[1].hex() for one in covering(LEAVES, 0, start)]
    return bad(name, "TREE-2", start=start, frontier=frontier, items=[[level, LEAVES[0].hex()] for level in levels])


def sets() -> dict[str, object]:
    """The file."""
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in PUBLISHED]
    published: Cases = []
    for size, expected in enumerate(PUBLISHED_ROOTS):
        if root(hashes[:size]).hex() != expected:
            raise ValueError(size)
        published.append(good(f"{size} leaves", leaves=PUBLISHED[:size], root=expected))
    return {
        "header": HEADER,
        "published_leaves": published,
        "roots": [good(f"{size} leaves", size=size, root=root(LEAVES[:size]).hex()) for size in SIZES],
        "covers": [
            good(f"[{start}, {stop})", start=start, stop=stop, tiles=[list(one) for one in cover(start, stop)])
            for start, stop in RANGES
        ],
        "frontiers": [
            good(f"{size} leaves", size=size, hashes=[one[1].hex() for one in covering(LEAVES, 0, size)])
            for size in (0, 1, 2, 3, 6, 7, 8, 21, 255, 257, 1000)
        ],
        "tilings": [tiling(*one) for one in TILINGS] + [misaligned(*one) for one in MISALIGNED],
    }
