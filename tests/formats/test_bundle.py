"""Bundles: the file fits the CDDL exactly, and no bit of it is ignored (BUNDLE-1, BUNDLE-11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import LocalMisuse, Malformed
from detente.formats.bundle import BookSection, Bundle, Disclosure, decode_bundle, encode_bundle
from detente.formats.canonical import encode
from detente.formats.frame import EntryItem, Subtree
from detente.ids import Origin
from tests.formats.values import CHANNEL, counts, digests, entry_items, one_bit_flips, subtrees

ORIGIN = Origin(f"{CHANNEL}/alfa/1")
D = bytes(range(32))
ENTRY = EntryItem(2, 1_900_000_000_000, 1, 1, (0, (3, 4)), D, b"body")
BUNDLE = Bundle(
    (b"charter 1", b"charter 2"),
    (BookSection(b"book note", (ENTRY, Subtree(1, D)), (b"head 1", b"head 3")),),
    (Disclosure(ORIGIN, 0, D),),
)

notes = st.binary(min_size=1, max_size=40)
bundles = st.builds(
    Bundle,
    charters=st.lists(notes, min_size=1, max_size=3).map(tuple),
    books=st.lists(
        st.builds(
            BookSection,
            note=notes,
            items=st.lists(entry_items(digests) | subtrees, max_size=3).map(tuple),
            heads=st.lists(notes, min_size=1, max_size=3).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    disclosures=st.lists(
        st.builds(Disclosure, st.sampled_from([ORIGIN, Origin(f"{CHANNEL}/bravo/2")]), counts, digests),
        max_size=4,
        unique_by=lambda one: (one.origin, one.index),
    ).map(lambda found: tuple(sorted(found, key=lambda one: (one.origin, one.index)))),
)


@given(bundles)
def test_bundle_1_a_bundle_comes_back(bundle: Bundle) -> None:
    """BUNDLE-1: bundle to octets to bundle."""
    assert decode_bundle(encode_bundle(bundle)) == bundle


def test_bundle_11_every_flipped_bit_is_another_bundle_or_none() -> None:
    """BUNDLE-11: whatever bit is turned, the file is refused or says something else."""
    octets = encode_bundle(BUNDLE)
    read = 0
    for flipped in one_bit_flips(octets):
        try:
            bundle = decode_bundle(flipped)
        except Malformed:
            continue
        read += 1
        assert bundle != BUNDLE
        assert encode_bundle(bundle) == flipped
    assert read > 500  # digests, notes and bodies are free octets here


SECTION = (b"note", (ENTRY,), (b"head",))
LABEL = "detente/1 bundle"


@pytest.mark.parametrize(
    "fields",
    [
        (),
        7,
        ("detente/1 head", (b"c",), (SECTION,), ()),
        (LABEL, (b"c",), (SECTION,)),
        (LABEL, (b"c",), (SECTION,), (), ()),
        (LABEL, (), (SECTION,), ()),
        (LABEL, (b"c",) * 65, (SECTION,), ()),
        (LABEL, ("c",), (SECTION,), ()),
        (LABEL, b"c", (SECTION,), ()),
        (LABEL, (b"c",), {}, ()),
        (LABEL, (b"c",), (SECTION[:2],), ()),
        (LABEL, (b"c",), (("note", *SECTION[1:]),), ()),
        (LABEL, (b"c",), ((b"note", {}, (b"head",)),), ()),
        (LABEL, (b"c",), ((b"note", (ENTRY,), ()),), ()),
        (LABEL, (b"c",), ((b"note", (ENTRY,), ("head",)),), ()),
        (LABEL, (b"c",), ((b"note", (ENTRY._replace(view=None),), (b"head",)),), ()),
        (LABEL, (b"c",), ((b"note", (ENTRY._replace(kind=24),), (b"head",)),), ()),
        (LABEL, (b"c",), (SECTION,), {}),
        (LABEL, (b"c",), (SECTION,), ((ORIGIN, 0),)),
        (LABEL, (b"c",), (SECTION,), ((ORIGIN, 0, D[1:]),)),
        (LABEL, (b"c",), (SECTION,), ((ORIGIN, 2**40, D),)),
        (LABEL, (b"c",), (SECTION,), (("", 0, D),)),
        (LABEL, (b"c",), (SECTION,), ((ORIGIN, 1, D), (ORIGIN, 0, D))),  # not sorted
        (LABEL, (b"c",), (SECTION,), ((ORIGIN, 1, D), (ORIGIN, 1, D[::-1]))),  # one place twice
    ],
)
def test_bundle_1_wrong_shapes(fields: object) -> None:
    """BUNDLE-1: what does not fit the CDDL is refused."""
    with pytest.raises(Malformed):
        decode_bundle(encode(fields))  # type: ignore[arg-type]


def test_bundle_1_is_kept_when_writing() -> None:
    """BUNDLE-1: a bundle that no verifier could read is not written."""
    with pytest.raises(LocalMisuse, match="view"):
        encode_bundle(Bundle((b"c",), (BookSection(b"n", (ENTRY._replace(view=None),), (b"h",)),), ()))
