"""Makes src/detente/formats/message.dict, the zstd dictionary of coding 2 (SEAL-2), from texts written for it.

Each line of message_corpus/*.txt is one sentence that could stand in a message; {n}, {time}, {place} and the like are
filled in. Samples are contents in their encoding (READ-1), a few sentences each, so that the keys are learnt as well.
The same seed and the same version of zstd give the same dictionary. Changing it makes a new dictionary: charters that
state the old digest go on without one.
"""

import random
import re
from hashlib import sha256
from pathlib import Path

import zstandard

from detente.formats.content import Content, encode_content
from detente.ids import PartyId

SEED = 1
DICTIONARY_OCTETS = 16_384
SAMPLES = {"en": 9_000, "uk": 1_500, "ru": 1_500, "ar": 1_200}
TABLES_LEARNT_WITH_OCTETS = 12_000
SEGMENT_OCTETS = 200  # long pieces: whole sentences of the corpus rather than shreds
LEVEL = 3
REPEATED_OFFSETS = b"".join(offset.to_bytes(4, "little") for offset in (1, 4, 8))  # the last part of the tables

CORPUS = Path(__file__).parent / "message_corpus"
TARGET = Path(__file__).parents[1] / "src" / "detente" / "formats" / "message.dict"

PARTIES = ("alfa", "bravo", "charlie", "north", "south", "east", "west", "mediator", "observer")
FUNCTIONS = (
    "duty officer",
    "watch officer",
    "chief of staff",
    "operations centre",
    "liaison officer",
    "head of mission",
)
PLACES = {
    "en": ("the northern crossing", "grid 4512", "checkpoint 7", "the eastern sector", "the bridge", "sector 3"),
    "uk": ("\u043f\u0443\u043d\u043a\u0442\u0443 7", "\u043a\u0432\u0430\u0434\u0440\u0430\u0442\u0430 4512"),
    "ru": ("\u043f\u0443\u043d\u043a\u0442\u0430 7", "\u043a\u0432\u0430\u0434\u0440\u0430\u0442\u0430 4512"),
    "ar": ("7", "4512"),
}


def filled(sentence: str, language: str, chance: random.Random) -> str:
    """The sentence with its places filled in."""

    def value(match: re.Match[str]) -> str:
        match match[1]:
            case "n":
                return str(chance.choice((2, 3, 5, 10, 12, 15, 20, 30, 45, 60, 100, 250, 500)))
            case "time":
                return f"{chance.randrange(24):02}{chance.choice(('', ':'))}{chance.randrange(0, 60, 5):02}"
            case "date":
                return f"{chance.randrange(1, 29)}.{chance.randrange(1, 13)}."
            case "place":
                return chance.choice(PLACES[language])
            case _:
                return f"{chance.randrange(10, 70)}.{chance.randrange(1000):03}"

    return re.sub(r"\{(\w+)\}", value, sentence)


def samples(language: str, chance: random.Random) -> list[bytes]:
    """Contents with one to four sentences of one language."""
    sentences = (CORPUS / f"{language}.txt").read_text("utf-8").splitlines()
    found = []
    for _ in range(SAMPLES[language]):
        chosen = chance.sample(sentences, chance.randint(1, 4))
        text = " ".join(filled(sentence, language, chance) for sentence in chosen)
        to = tuple(PartyId(party) for party in chance.sample(PARTIES, chance.choice((1, 1, 1, 2))))
        found.append(encode_content(Content("message", to=to, by=chance.choice(FUNCTIONS), lang=language, text=text)))
    return found


def parts(octets: int, corpus: list[bytes]) -> tuple[bytes, bytes]:
    """The entropy tables and the content (RFC 8878, 5) of a dictionary of so many octets."""
    trained = zstandard.train_dictionary(octets, [*corpus], k=SEGMENT_OCTETS, d=8, level=LEVEL).as_bytes()
    end = trained.index(REPEATED_OFFSETS) + len(REPEATED_OFFSETS)
    return trained[:end], trained[end:]


def main() -> None:
    """Train, write, and say what came out."""
    chance = random.Random(SEED)
    corpus = [sample for language in SAMPLES for sample in samples(language, chance)]
    _, content = parts(DICTIONARY_OCTETS, corpus)
    # Tables learnt with the full content expect texts that it holds word for word; real messages are only like them.
    # Those learnt with a part of it fit better: a message of 280 octets gets 6 octets smaller.
    tables, _ = parts(TABLES_LEARNT_WITH_OCTETS, corpus)
    trained = tables + content
    TARGET.write_bytes(trained)
    print(f"{TARGET.name}: {len(trained)} octets, SHA-256 {sha256(trained).hexdigest()}")


if __name__ == "__main__":
    main()
