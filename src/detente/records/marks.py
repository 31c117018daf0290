"""Stored text made safe to look at: nothing in it steers a terminal, turns the writing, hides, or looks like another.

It keeps: the stored text is never changed (READ-3); this is another text, for eyes. What is marked stands in angle or
square brackets, and a text that holds such a mark itself is marked too, so a mark is always ours. It does not know
every look-alike: a word wholly in one script that resembles a word in another is shown as it is.
"""

import re
import unicodedata
from typing import Final

# Letters and symbols of no width or no ink that Unicode does not count among the format characters.
_INVISIBLE: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PLAIN: Final = re.compile(r"[\n\t\x20-\x7e]*")
_OUR_MARKS: Final = re.compile(r"<(?=U\+)|\[(?=mixed scripts)")

# Scripts whose letters look like each other's. The name of a Unicode character begins with its script.
_ALIKE: Final = frozenset(
    {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "FULLWIDTH", "MATHEMATICAL", "DESERET"}
)


def marked_text(text: str) -> str:
    """`text` for a terminal or a plain text: newlines and tabs stay, whatever else is not seen is named `<U+202E>`.

    That covers control and bidi characters, zero-width and unassigned ones, and halves of surrogate pairs. A word that
    mixes scripts of similar letters stands as `[mixed scripts CYRILLIC LATIN: ...]`.
    """
    text = _OUR_MARKS.sub(lambda match: _named(match[0]), text)
    if _PLAIN.fullmatch(text):
        return text
    found: list[str] = []
    word: list[str] = []
    for character in text:
        if unicodedata.category(character)[0] in "LMN" and character not in _INVISIBLE:
            word.append(character)
            continue
        found.append(_word(word))
        word.clear()
        found.append(_named(character) if _unseen(character) else character)
    found.append(_word(word))
    return "".join(found)


def marked_line(text: str) -> str:
    """`text` as `marked_text`, with newlines and tabs named too: it cannot begin a line of its own."""
    return "".join(_named(one) if one in "\n\t" else one for one in marked_text(text))


def _unseen(character: str) -> bool:
    if character in "\n\t":
        return False
    return character in _INVISIBLE or unicodedata.category(character) in _UNSEEN_CATEGORIES


def _named(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def _word(characters: list[str]) -> str:
    word = "".join(characters)
    if word.isascii():
        return word
    scripts = {unicodedata.name(one, "").split(" ")[0] for one in characters if unicodedata.category(one)[0] == "L"}
    alike = sorted(scripts & _ALIKE)
    return f"[mixed scripts {' '.join(alike)}: {word}]" if len(alike) > 1 else word
