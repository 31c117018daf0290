"""Secrets given again on small cases (EPOCH-7, EPOCH-8): the examples have none."""

from __future__ import annotations

import pytest

from tests.reference import secrets_again
from tests.reference.bodies import Keys
from tests.reference.books import make_origin
from tests.reference.contents import Content, Reference, check_content
from tests.reference.refusal import Refusal
from tests.reference.sealing import epoch_check

CHANNEL = "reader.example/line-abcdefgh234567aa"
SECRET = bytes(range(32))
EPOCH = Reference("alfa", 1, 1)
OPENING = Reference("bravo", 2, 0)


def epoch_keys(*audience: str) -> Keys:
    """Make the body of the epoch alfa/1."""
    return Keys(audience, epoch_check(SECRET, make_origin(CHANNEL, "alfa", 1), 1), (), None)


def test_given_and_read() -> None:
    """What is given is read again; it leaves out what the party could never read, and is cut at 128."""
    both, alone = epoch_keys("alfa", "bravo"), epoch_keys("alfa")
    readable = [(Reference("alfa", 1, index), both if index != 5 else alone, SECRET) for index in range(1, 131)]
    contents = secrets_again.secrets_to_give(OPENING, readable)
    read = [secrets_again.read_secrets(check_content(content)) for content in contents]
    assert [len(content.epochs) for content in read] == [128, 1]
    assert all(content.opening == OPENING for content in read)
    assert Reference("alfa", 1, 5) not in {given.epoch for content in read for given in content.epochs}


BAD: list[Content] = [
    {"form": "secrets"},
    {"form": "secrets", "to": ["bravo"], "re": [["bravo", 2, 0]], "fields": {"epochs": []}},
    {"form": "secrets", "to": ["bravo"], "re": [["bravo", 2, 0]], "fields": {"epochs": [["alfa", 1, 1, b"x"]]}},
    {"form": "secrets", "to": ["bravo"], "re": [["bravo", 2, 1]], "fields": {"epochs": [["alfa", 1, 1, SECRET]]}},
    {"form": "secrets", "to": ["bravo"], "re": [["alfa", 2, 0]], "fields": {"epochs": [["alfa", 1, 1, SECRET]]}},
]


@pytest.mark.parametrize("content", BAD)
def test_other_shapes(content: Content) -> None:
    """A content of another shape gives nothing."""
    with pytest.raises(Refusal) as caught:
        secrets_again.read_secrets(content)
    assert caught.value.rule == "EPOCH-7"


JUDGED = [
    ("taken", SECRET, ("alfa", 1), True, epoch_keys("alfa", "bravo")),
    ("taken", SECRET, ("charlie", 1), True, epoch_keys("alfa", "bravo")),
    ("kept", SECRET, ("alfa", 1), False, None),
    ("marked", bytes(32), ("alfa", 1), True, epoch_keys("alfa", "bravo")),
    ("ignored", bytes(32), ("charlie", 1), True, epoch_keys("alfa", "bravo")),
    ("marked", SECRET, ("alfa", 1), True, None),
    ("marked", SECRET, ("alfa", 1), True, epoch_keys("alfa")),
    ("ignored", SECRET, ("charlie", 1), True, epoch_keys("alfa")),
]


@pytest.mark.parametrize(("stated", "secret", "giver", "there", "keys"), JUDGED)
def test_judged(stated: str, secret: bytes, giver: tuple[str, int], there: bool, keys: Keys | None) -> None:
    """A secret is taken only where it fits an epoch whose audience has the reader."""
    given = secrets_again.Again(EPOCH, secret)
    assert secrets_again.judge_secret(given, CHANNEL, "bravo", giver, there, keys) == stated
