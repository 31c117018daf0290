"""STORE-3: the anchor's journal when power fails, the medium decays, the file is lost, or the disk is full."""

import errno
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import StoreFault, StoreFull
from detente.ids import Origin
from detente.protocol.effects import AnchorRecord
from detente.station import anchor as anchor_module
from detente.station.anchor import ALIGNMENT_OCTETS, HEADER, JournalAnchor
from tests.stores.mounts import fill, read_only, small_disk

ALFA = Origin("north/alfa/1")


def own(size: int) -> AnchorRecord:
    """A record of our own head."""
    return AnchorRecord(True, ALFA, size, size.to_bytes(32, "big"))


def size_of(path: Path) -> int | None:
    """The size last recorded of our own head."""
    anchor = JournalAnchor(path)
    newest = anchor.newest()
    anchor.close()
    return None if newest is None else newest[True, ALFA][0]


def three_blocks(path: Path) -> tuple[bytes, int]:
    """A journal of three calls: sizes 1; 2 and two other heads; 3. And where the third block begins."""
    anchor = JournalAnchor(path)
    anchor.record([own(1)])
    anchor.record([own(2), AnchorRecord(False, Origin("north/bravo/1"), 7, b"b" * 32), own(2)])
    third = anchor._end
    anchor.record([own(3)])
    anchor.close()
    return path.read_bytes(), third


@pytest.mark.parametrize("rest", [b"\0", b"\xff", b"old octets "])
def test_a_torn_tail_is_tolerated_at_every_octet(tmp_path: Path, rest: bytes) -> None:
    """A block of which only a part was written was never released: what was recorded before it is all there."""
    octets, third = three_blocks(tmp_path / "anchor")
    end = third + len(octets[third : third + 200].rstrip(b"\0"))
    for cut in range(third, end):
        torn = octets[:cut] + (rest * 200)[: 200 - (cut - third)]
        (tmp_path / "torn").write_bytes(torn.ljust(len(octets), b"\0"))
        assert size_of(tmp_path / "torn") == 2
        assert size_of(tmp_path / "torn") == 2, "opening mends it"


def test_pages_of_one_write_may_arrive_in_any_order(tmp_path: Path) -> None:
    """The end of a torn block may be there while its beginning is not."""
    octets, third = three_blocks(tmp_path / "anchor")
    torn = octets[:third] + bytes(ALIGNMENT_OCTETS) + octets[third + ALIGNMENT_OCTETS :]
    (tmp_path / "anchor").write_bytes(torn)
    assert size_of(tmp_path / "anchor") == 2


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_damage_before_the_last_block_is_never_taken_for_a_torn_tail(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    """A record that was durable and is lost is a StoreFault: the station must not trust an anchor with a hole."""
    path = tmp_path_factory.mktemp("damage") / "anchor"
    octets, third = three_blocks(path)
    used = [index for index in range(third) if index < len(HEADER) or octets[index]]
    damaged = bytearray(octets)
    damaged[used[place % len(used)]] ^= flip
    path.write_bytes(damaged)
    with pytest.raises(StoreFault, match="STORE-3"):
        JournalAnchor(path)


def test_a_journal_without_its_first_block_is_damaged(tmp_path: Path) -> None:
    """A file gets its name after its first block is durable, so an empty one has lost something."""
    path = tmp_path / "anchor"
    path.write_bytes(HEADER.ljust(4_096, b"\0"))
    with pytest.raises(StoreFault, match="damaged"):
        JournalAnchor(path)


@pytest.mark.parametrize("content", [b"", b"detente anchor 2\n".ljust(4_096, b"\0"), b"something else"])
def test_another_format_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    """A journal of another format, or another file, is neither read nor overwritten."""
    path = tmp_path / "anchor"
    path.write_bytes(content)
    with pytest.raises(StoreFault, match="not a Detente anchor of format 1"):
        JournalAnchor(path)
    assert path.read_bytes() == content


def test_a_lost_journal_stays_lost_until_something_is_recorded(tmp_path: Path) -> None:
    """A crash after a loss was seen, and before it was acted on, does not make it look like an empty journal."""
    path = tmp_path / "anchor"
    three_blocks(path)
    path.unlink()
    for _ in range(2):
        anchor = JournalAnchor(path)
        assert anchor.newest() is None
        anchor.close()
    anchor = JournalAnchor(path)
    anchor.record([own(9)])
    assert anchor.newest() == {(True, ALFA): (9, own(9).root)}
    anchor.close()
    assert size_of(path) == 9
    assert [entry.name for entry in tmp_path.iterdir()] == ["anchor"]


def test_compaction_keeps_every_newest_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full file is replaced by one with the newest records; it does not grow without bound."""
    monkeypatch.setattr(anchor_module, "CAPACITY_OCTETS_MIN", 4_096)
    path = tmp_path / "anchor"
    anchor = JournalAnchor(path)
    seldom = AnchorRecord(False, Origin("south/alfa/1"), 5, b"s" * 32)
    anchor.record([seldom])
    inodes = []
    for size in range(1, 400):
        anchor.record([own(size)])
        inodes.append(path.stat().st_ino)
        assert path.stat().st_size == 4_096
    replaced = sum(before != after for before, after in pairwise(inodes))
    assert 10 < replaced < 100, "it was replaced when it was full, and only then"
    expected = {(True, ALFA): (399, own(399).root), (False, seldom.origin): (5, seldom.root)}
    assert anchor.newest() == expected
    anchor.close()
    anchor = JournalAnchor(path)
    assert anchor.newest() == expected
    anchor.close()


def test_one_call_larger_than_the_file(tmp_path: Path) -> None:
    """All stations of the world at once: 40,000 heads in one call."""
    path = tmp_path / "anchor"
    records = [AnchorRecord(True, Origin(f"channel-{number}/alfa/1"), 1, b"r" * 32) for number in range(40_000)]
    anchor = JournalAnchor(path)
    anchor.record([own(1)])
    anchor.record(records)
    anchor.close()
    anchor = JournalAnchor(path)
    assert len(anchor.newest() or {}) == 40_001
    anchor.close()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """Two stations on one anchor would each miss what the other told."""
    path = tmp_path / "anchor"
    first = JournalAnchor(path)
    with pytest.raises(StoreFault, match="in use by another process"):
        JournalAnchor(path)
    first.record([own(1)])
    with pytest.raises(StoreFault, match="in use by another process"):
        JournalAnchor(path)
    first.record([own(2)])
    first.close()
    assert size_of(path) == 2


@pytest.mark.parametrize("call", ["fdatasync", "pwrite"])
def test_a_failing_medium_ends_the_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """STORE-2: after a record that may or may not be durable nothing more is recorded before it is opened again."""
    path = tmp_path / "anchor"
    anchor = JournalAnchor(path)
    anchor.record([own(1)])

    def fail(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        with pytest.raises(StoreFault, match="the medium may be failing"):
            anchor.record([own(2)])
    with pytest.raises(StoreFault, match="open it again"):
        anchor.record([own(2)])
    with pytest.raises(StoreFault, match="open it again"):
        anchor.newest()
    anchor.close()
    assert size_of(path) in (1, 2)


def test_a_full_disk_does_not_stop_recording(tmp_path: Path) -> None:
    """The room was taken beforehand; when the file itself is full the refusal is StoreFull, and nothing is lost."""
    with small_disk(tmp_path / "disk", 1_500_000) as disk:
        anchor = JournalAnchor(disk / "anchor")
        anchor.record([own(1)])
        filler = fill(disk)
        size = 1
        with pytest.raises(StoreFull):  # noqa: PT012 - many fit, the last does not
            while True:
                anchor.record([own(size + 1)])
                size += 1
        assert size > 5_000
        filler.unlink()
        anchor.close()
        assert size_of_on_small_disk(disk) == size


def test_a_journal_that_has_no_room_to_open_is_opened_once_there_is(tmp_path: Path) -> None:
    """A failed opening leaves no lock behind, whoever still holds its error."""
    with small_disk(tmp_path / "disk", 3_000_000) as disk:
        anchor = JournalAnchor(disk / "anchor")
        anchor.record([own(1)])
        anchor.close()
        filler = fill(disk)
        with pytest.raises(StoreFull) as caught:
            JournalAnchor(disk / "anchor")
        filler.unlink()
        anchor = JournalAnchor(disk / "anchor")
        assert anchor.newest() == {(True, ALFA): (1, own(1).root)}
        anchor.close()
        assert "Make room" in caught.value.text


def size_of_on_small_disk(disk: Path) -> int | None:
    """Opening needs room for a second file."""
    with pytest.raises(StoreFull):
        JournalAnchor(disk / "anchor")
    octets = (disk / "anchor").read_bytes()
    (disk.parent / "moved").write_bytes(octets)
    return size_of(disk.parent / "moved")


def test_a_read_only_medium_is_said_when_it_is_opened(tmp_path: Path) -> None:
    """Before anything is told."""
    directory = tmp_path / "medium"
    directory.mkdir()
    three_blocks(directory / "anchor")
    with read_only(directory), pytest.raises(StoreFault, match="let this user write"):
        JournalAnchor(directory / "anchor")
    with pytest.raises(StoreFault, match="make the directory first"):
        JournalAnchor(tmp_path / "none" / "anchor")
