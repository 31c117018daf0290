"""Tracked files hold no path of the machine that they were written on, no address of a package index, no trick letters.

A clone must build anywhere, from whatever index its reader trusts, and show every reader the same text.
"""

import re

import pytest

from tests.tidy import tree

# Written in parts, so that this file does not hold what it refuses.
MACHINE_PATH = re.compile(
    r"(?<![\w}.~-])/(?:" + "|".join(["wo" + "rk", "fa" + "rm", "ro" + "ot", "ho" + "me"]) + r")(?:/|(?![\w-]))"
)
INDEX_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "deb" + ".debian.org",
    "yarn" + "pkg.com",
]
INDEX_ADDRESS = re.compile(
    "|".join(
        [
            *(re.escape(host) for host in INDEX_HOSTS),
            r'"resolved": *"http',
            r'registry *= *"?http',
            r"https?://\S+\.(?:whl|tar\.gz|tgz)",
            "--(?:extra-)?index-" + "url",
        ]
    )
)

# Letters that turn the direction of writing without being seen.
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# Files that hold turning letters on purpose, and why. Written as escapes, they need no entry here.
TURNING_ALLOWED: dict[str, str] = {}

# Files that name a folder of these names as people's own machines have it, and why.
PATHS_ALLOWED: dict[str, str] = {}


def faults(text: str) -> list[str]:
    """Line and fault of everything in a text that may not be tracked."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for fault, pattern in (
            ("a path of one machine", MACHINE_PATH),
            ("an address of a package index", INDEX_ADDRESS),
            ("a letter that turns the writing", TURNING),
        ):
            if pattern.search(line):
                found.append(f"{number}: {fault}: {line.strip()[:100]!a}")
    return found


def allowed(name: str, finding: str) -> bool:
    """Whether a finding in a file is listed with a reason."""
    return (name in PATHS_ALLOWED and "a path of" in finding) or (name in TURNING_ALLOWED and "a letter" in finding)


def test_every_text_file_is_utf_8() -> None:
    """Text is UTF-8, without a byte order mark, and ends in a newline."""
    found = []
    for name in filter(tree.is_text, tree.files()):
        octets = tree.octets(name)
        try:
            octets.decode("utf-8")
        except UnicodeDecodeError as error:
            found.append(f"{name}: {error}")
        if octets.startswith(b"\xef\xbb\xbf"):
            found.append(f"{name}: begins with a byte order mark")
        if octets and not octets.endswith(b"\n") and not name.startswith("vectors/"):
            found.append(f"{name}: does not end in a newline")
    assert not found, tree.report(found)


def test_no_file_names_a_place() -> None:
    """No path of one machine, no address of an index, no turning letters, in any tracked text."""
    found = [
        f"{name}:{finding}"
        for name in filter(tree.is_text, tree.files())
        for finding in faults(tree.octets(name).decode("utf-8", errors="replace"))
        if not allowed(name, finding)
    ]
    assert not found, tree.report(found)


def test_no_exception_is_stale() -> None:
    """The two lists of exceptions name only files that need them."""
    for listed, words in ((PATHS_ALLOWED, "a path of"), (TURNING_ALLOWED, "a letter")):
        for name in listed:
            assert any(words in finding for finding in faults(tree.text(name))), f"{name} needs no exception"


@pytest.mark.parametrize(
    "line",
    [
        "see /ho" + "me/someone/x",
        "cd /wo" + "rk",
        "'/ro" + "ot/.config'",
        "https://files.python" + "hosted.org/x",
        '"resolved": "ht' + 'tps://example.org/x.tgz"',
        "pip install --index-" + "url X",
        "abc\u202edef",
    ],
)
def test_the_check_sees_each_fault(line: str) -> None:
    """Each refused form, planted, is found."""
    assert faults(line)


@pytest.mark.parametrize(
    "line", ["size/root", 'f"{prefix}/root"', "the /rooted tree", "HOME/config.toml", "../shared/data", "a/home-page"]
)
def test_the_check_lets_plain_text_pass(line: str) -> None:
    """What only looks like it is not reported."""
    assert not faults(line)
