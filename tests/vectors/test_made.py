"""vectors/ is what scripts/make_vectors.py makes, and its files explain themselves."""

import ast
import subprocess
import sys

import pytest

from tests.vectors.cases import ROOT, VECTORS, load

FILES = sorted(path.stem for path in VECTORS.glob("*.json"))
SETS = ROOT / "scripts" / "vector_sets"


def test_vectors_are_as_made() -> None:
    """A file changed by hand, left over or not written would be noticed here."""
    made = subprocess.run(
        [sys.executable, "scripts/make_vectors.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize("name", FILES)
def test_every_group_is_explained(name: str) -> None:
    """A header has a title, says how the file was made and verified, and explains every group."""
    found = load(name)
    assert {"title", "made", "verified"} <= found["header"].keys()
    assert set(found["header"].get("groups", {})) == found.keys() - {"header", "octets"}


@pytest.mark.parametrize("name", FILES)
def test_names_are_different(name: str) -> None:
    """A case can be found by its group and its name."""
    for group in load(name).values():
        names = [case["name"] for case in group if isinstance(case, dict)] if isinstance(group, list) else []
        assert len(names) == len(set(names))


def test_no_program_makes_the_vectors() -> None:
    """The vectors come from spec/ alone, so that the program and the vectors can disagree."""
    for path in [*SETS.glob("*.py"), ROOT / "scripts" / "make_vectors.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] in {"detente", "tests"} for name in names), path.name
