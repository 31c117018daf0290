"""Rules of spec/ and their citations: no number is cited that does not exist, and none is left without code and test.

A rule is a line of spec/*.md that starts with `- **BOOK-4**`. It is cited wherever its full number stands. The table
`uncited.toml` lists the rules that nobody cites yet, each group with its reason; it may only shrink.
"""

import re
import tomllib
from functools import cache

import pytest

from tests.tidy import tree

HERE = "tests/tidy/"
UNCITED = HERE + "uncited.toml"
PLACES = ("src", "tests")


@cache
def rules() -> frozenset[str]:
    """Every rule number that spec/ defines."""
    found = [rule for name in tree.under("spec", ending=".md") for rule in defined(tree.text(name))]
    return frozenset(found)


def defined(text: str) -> list[str]:
    """The rule numbers that a text of spec/ defines, in order."""
    return re.findall(r"^- \*\*([A-Z]+-[1-9][0-9]*)\*\*", text, flags=re.MULTILINE)


def cited(text: str) -> set[str]:
    """The rule numbers that a text names: any number behind a word that some rule begins with."""
    families = "|".join(sorted({rule.rpartition("-")[0] for rule in rules()}))
    return set(re.findall(rf"(?<![A-Za-z0-9-])((?:{families})-[0-9]+)(?![0-9])", text))


@cache
def cited_in(place: str) -> frozenset[str]:
    """The rules that Python files of a place cite; the tidy tests, which are about all rules, do not count."""
    names = [name for name in tree.under(place, ending=".py") if not name.startswith(HERE)]
    return frozenset(rule for name in names for rule in cited(tree.text(name)))


def uncited() -> dict[str, set[str]]:
    """The rules listed as not cited yet, for each place."""
    listed: dict[str, set[str]] = {place: set() for place in PLACES}
    for group in tomllib.loads(tree.text(UNCITED)).get("group", []):
        assert len(group["reason"]) > 20, f"say why these are not cited: {group}"
        for place in group["where"]:
            twice = listed[place] & set(group["rules"])
            assert not twice, f"{sorted(twice)} stand twice for {place}"
            listed[place] |= set(group["rules"])
    return listed


def test_no_rule_is_defined_twice() -> None:
    """One number, one rule."""
    found = [rule for name in tree.under("spec", ending=".md") for rule in defined(tree.text(name))]
    assert len(found) == len(set(found)), sorted({rule for rule in found if found.count(rule) > 1})
    assert found, "spec/ holds no rules in the form `- **BOOK-4** ...`"


def test_every_cited_rule_exists() -> None:
    """Whoever follows a citation from anywhere finds the rule."""
    found = [
        f"{name}: there is no rule {rule}"
        for name in tree.under("src", "tests", "docs", "spec", "vectors", "fuzz", "bench")
        if tree.is_text(name) and not name.startswith(HERE + "test_rules")
        for rule in sorted(cited(tree.text(name)) - rules())
    ]
    assert not found, tree.report(found)


@pytest.mark.parametrize("place", PLACES)
def test_every_rule_is_cited(place: str) -> None:
    """Each rule is named beside the code that keeps it, and in a test that proves it, or stands in uncited.toml."""
    missing = sorted(rules() - cited_in(place) - uncited()[place])
    assert not missing, f"cite these in {place}, or list them in {UNCITED} with the reason: {missing}"


@pytest.mark.parametrize("place", PLACES)
def test_no_uncited_entry_is_stale(place: str) -> None:
    """The table of rules not cited yet only shrinks: what is cited by now, or no rule, must leave it."""
    listed = uncited()[place]
    assert not listed & cited_in(place), (
        f"cited in {place} by now, take them out of {UNCITED}: {sorted(listed & cited_in(place))}"
    )
    assert not listed - rules(), f"no such rules, take them out of {UNCITED}: {sorted(listed - rules())}"


def test_the_check_sees_a_wrong_number() -> None:
    """A number that no rule has is found, and what only looks like one is not."""
    assert cited("as BOOK-999 says") - rules() == {"BOOK-999"}
    assert cited("BOOK-4, and BOOK-5.") == {"BOOK-4", "BOOK-5"}
    assert not cited("SHA-256, UTF-8, HAND-BOOK-4, book-4")
    assert defined("- **BOOK-4** x\n  - **BOOK-5** y\n**BOOK-6** z\n") == ["BOOK-4"]
