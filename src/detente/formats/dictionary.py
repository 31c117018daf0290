"""The zstd dictionary of coding 2 (SEAL-2), shipped with the program; made by `scripts/train_dictionary.py`.

It keeps: a charter names a dictionary by its SHA-256, and another one is never used in its place.
"""

from importlib.resources import files
from typing import Final

from detente.crypto.hashing import sha256

# Package data, read once when the program starts: the only file that a pure room opens.
DICTIONARY: Final[bytes] = files("detente.formats").joinpath("message.dict").read_bytes()
DICTIONARY_DIGEST: Final[bytes] = sha256(DICTIONARY)


def dictionary_for(digest: bytes | None) -> bytes | None:
    """The dictionary that a charter states; None if it states none, or one that is not known here."""
    return DICTIONARY if digest == DICTIONARY_DIGEST else None
