"""Messages to measure with: English texts of 280 octets, each another, none of them in the corpus of the dictionary.

The sentences of texts.txt were written for this purpose alone (a corpus that is also the test would flatter the dictionary);
times, numbers and places are filled in and the sentences mixed, so that no text of a run repeats another.
"""

import random
import re
from importlib.resources import files

TEXT_OCTETS = 280


def texts(count: int, seed: int) -> list[str]:
    """So many texts of TEXT_OCTETS octets; the same seed gives the same texts."""
    chance = random.Random(seed)
    sentences = files("detente.bench").joinpath("texts.txt").read_text("utf-8").splitlines()
    return [_text(sentences, chance) for _ in range(count)]


def _text(sentences: list[str], chance: random.Random) -> str:
    """Whole sentences, the last one broken off where the text is full."""
    text = ""
    for sentence in chance.sample(sentences, 5):
        text += re.sub(r"{(\w)}", lambda match: _filled(match[1], chance), sentence) + " "
    return text[: TEXT_OCTETS - 1] + "."


def _filled(what: str, chance: random.Random) -> str:
    if what == "t":
        return f"{chance.randrange(24):02}{chance.randrange(60):02} UTC"
    return f"{chance.randrange(100, 999)} {chance.randrange(100, 999)}" if what == "g" else str(chance.randrange(2, 60))
