"""One thing, one word: the glossary holds the project's words, and their usual synonyms are refused.

Readers from two sides who compare a screen, a rule and a line of code must find the same word in all three.
"""

import re

import pytest

from tests.tidy import tree

GLOSSARY = "docs/GLOSSARY.md"

# The words that the whole program is told in. Each has its own sentence in the glossary.
WORDS = [
    "allegation",
    "bearer",
    "book",
    "channel",
    "charter",
    "check-in",
    "checkpoint",
    "commitment",
    "delegation",
    "entry",
    "evidence",
    "field",
    "figure",
    "finding",
    "form",
    "frame",
    "lamp",
    "mediator",
    "observer",
    "officer",
    "paragraph",
    "party",
    "precedence",
    "principal",
    "receipt",
    "release",
    "round",
    "scope",
    "station",
    "watch",
    "witness",
]

# Synonym to the word to use, and the places where it means something else. Matched as whole words, in any case.
REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    r"nodes?": ("station; in a tree of hashes, node", ("spec/2-tree.md", "src/detente/")),
    r"users?": (
        "officer, operator or reader: say who; of the operating system, user",
        ("src/detente/stores/", "src/detente/bearers/"),
    ),
    r"server logs?|ledger books?": ("book", ()),
    r"blockchains?|distributed ledgers?": ("book; it is a transparency log", ()),
    r"packets?|datagrams?": ("frame", ()),
    r"white-?lists?|black-?lists?": ("allowed, refused", ()),
    r"masters?|slaves?": ("say which does what", ()),
    r"enemy|enemies|opponents?": ("the other side", ()),
    r"chats?|chat ?rooms?": ("channel", ("docs/DEPENDENCIES.md",)),
    r"read receipts?": ("acknowledge; a receipt says that octets are durable", ()),
    r"confirmations? of delivery|delivery reports?": ("receipt", ()),
    r"smart contracts?": ("charter", ()),
}

TEXT_ENDINGS = (".py", ".md", ".toml", ".html", ".cddl", ".txt")


def synonyms(name: str, text: str) -> list[str]:
    """Line, synonym and the word to use instead, for each refused word in the text of file `name`."""
    found = []
    for pattern, (instead, allowed) in REFUSED.items():
        if name.startswith(allowed) if allowed else False:
            continue
        for match in re.finditer(rf"(?<![\w/.-])(?:{pattern})(?![\w-])", text, flags=re.IGNORECASE):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{name}:{line}: {match[0]!r}; the word is: {instead}")
    return found


def glossary() -> dict[str, str]:
    """Word to meaning, from the tables of the glossary."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", tree.text(GLOSSARY), flags=re.MULTILINE)
    return {word: meaning for word, meaning in rows if word != "word" and not word.startswith("-")}


def test_the_glossary_holds_every_word() -> None:
    """Each word of the project has a meaning."""
    missing = sorted(set(WORDS) - set(glossary()))
    assert not missing, f"{GLOSSARY} does not say what these mean: {missing}"


@pytest.mark.parametrize("word", sorted(glossary()))
def test_a_meaning_is_one_sentence(word: str) -> None:
    """One sentence each, so that people can read all of them."""
    meaning = glossary()[word]
    assert meaning.endswith("."), f"{word}: a sentence ends with a full stop"
    assert ". " not in meaning, f"{word}: more than one sentence"
    assert len(meaning) > 30, f"{word}: this explains nothing"


def test_the_glossary_is_in_order() -> None:
    """Words stand in alphabetical order within each table."""
    for table in tree.text(GLOSSARY).split("\n## ")[1:]:
        words = re.findall(r"^\| ([a-z][^|]*) \| ", table, flags=re.MULTILINE)
        words = [word for word in words if word != "word"]
        assert words == sorted(words)


def test_no_synonyms() -> None:
    """Program, rules and documents use the project's words."""
    names = [name for name in (*tree.under("src", "spec", "docs"), "README.md") if name.endswith(TEXT_ENDINGS)]
    found = [finding for name in names if name in tree.files() for finding in synonyms(name, tree.text(name))]
    assert not found, tree.report(found)


def test_the_check_sees_a_synonym() -> None:
    """A planted synonym is found with its line; parts of other words and paths are not."""
    assert synonyms("docs/x.md", "one\nEach Node keeps\n") == [
        "docs/x.md:2: 'Node'; the word is: station; in a tree of hashes, node"
    ]
    assert not synonyms("spec/2-tree.md", "node = SHA-256")
    assert not synonyms("docs/x.md", "nodejs, user_agent, /node, packetised")
