"""Locks, documents and build files agree with each other: what is promised to readers is what is installed and run."""

import re
import tomllib

import pytest

from tests.tidy import tree

LOCKS = ("requirements/run.txt", "requirements/dev.txt", "requirements/fuzz.txt")
DEPENDENCIES = "docs/DEPENDENCIES.md"
DECISIONS = tree.under("docs/decisions", ending=".md")


def locked(name: str) -> dict[str, str]:
    """Package to version, of a lock."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", tree.text(name), flags=re.MULTILINE))


def wanted(name: str) -> list[str]:
    """The lines of a list of wanted packages, without comments."""
    return [line for line in tree.text(name).splitlines() if line and not line.startswith("#")]


def package_of(requirement: str) -> str:
    """The package of a requirement: "click" of "click>=8.5"."""
    return re.split(r"[<>=!~ ;\[]", requirement)[0]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    """A lock holds names, versions and hashes, nothing that says where it was made."""
    text = tree.text(name)
    packages = text.replace("\\\n", " ").splitlines()
    line = re.compile(r"[a-z0-9._-]+==\S+(?: ; [^#]+?)?(?: +--hash=sha256:[0-9a-f]{64})+ *")
    strange = [row[:80] for row in packages if not line.fullmatch(row)]
    assert packages
    assert not strange, tree.report(strange)


def test_the_development_lock_holds_the_running_one() -> None:
    """Tests run with the very versions that a station runs with."""
    run, dev = (locked(name) for name in LOCKS[:2])
    assert {package: dev.get(package) for package in run} == run


def test_the_package_asks_for_what_the_lock_was_made_from() -> None:
    """pyproject.toml and requirements/run.in state the same, and the build tool is the locked one."""
    project = tomllib.loads(tree.text("pyproject.toml"))
    assert sorted(project["project"]["dependencies"]) == sorted(wanted("requirements/run.in"))
    for requirement in project["build-system"]["requires"]:
        package, _, version = requirement.partition("==")
        assert locked(LOCKS[1])[package] == version


def test_dependencies_are_explained() -> None:
    """docs/DEPENDENCIES.md explains exactly the packages asked for by name, at the locked versions."""
    lists = [f"requirements/{name}.in" for name in ("run", "dev", "fuzz")]
    asked = {package_of(line) for name in lists for line in wanted(name)}
    versions = {**locked(LOCKS[1]), **locked(LOCKS[2])}
    explained = dict(re.findall(r"^### ([a-z0-9._-]+) ([0-9][^\s]*)$", tree.text(DEPENDENCIES), flags=re.MULTILINE))
    assert explained == {package: versions[package] for package in asked}


@pytest.mark.parametrize("section", re.split(r"^### ", tree.text(DEPENDENCIES), flags=re.MULTILINE)[1:])
def test_an_explanation_is_complete(section: str) -> None:
    """What for, why this one, under which licence, what else was looked at, and why not older."""
    title = section.splitlines()[0]
    for heading in ("For: ", "Why this one: ", "Version: ", "Licence: ", "Considered: "):
        assert f"\n- {heading}" in section, f"{title}: no line begins with {heading!r}"


def test_readme_names_the_two_commands() -> None:
    """A newcomer finds how to see it and how to check it."""
    if "README.md" not in tree.files():
        pytest.skip("skipped: no README.md yet")
    readme = tree.text("README.md")
    assert "make demo" in readme
    assert "make test" in readme


def test_ci_runs_what_readme_says() -> None:
    """What lands has passed the command that people run."""
    assert "\nmake test\n" in tree.text(".ci/run")


def test_help_lists_every_command() -> None:
    """Each command of the Makefile says in words what it does."""
    text = tree.text("Makefile")
    phony = re.findall(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)[0].split()
    described = re.findall(r"^([a-z]+):.*## [A-Z]", text, flags=re.MULTILINE)
    assert sorted(phony) == sorted(described)


def test_decisions_are_numbered_and_complete() -> None:
    """Decisions are numbered without gaps, and each has the parts of the template."""
    numbers = [int(name.rpartition("/")[2][:4]) for name in DECISIONS]
    assert numbers == list(range(len(numbers)))
    parts = re.findall(r"^## .*$", tree.text(DECISIONS[0]), flags=re.MULTILINE)
    assert parts
    for name in DECISIONS[1:]:
        assert re.findall(r"^## .*$", tree.text(name), flags=re.MULTILINE) == parts, name
