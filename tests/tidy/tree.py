"""The project's own files as the tidy tests see them: every file that git tracks or would track, and nothing else.

A file not yet added counts, so that a fault is found before it is committed. What git ignores never counts.
"""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE_BY_TOOLS = {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
PURE_ROOMS = ("crypto", "tlog", "formats", "forms", "protocol", "records", "verify")


@cache
def files() -> tuple[str, ...]:
    """Paths of all files, relative to the root, sorted. An unpacked archive without git is walked instead."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout.decode()
        names = [name for name in listed.split("\0") if name]
    else:
        paths = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
        names = [str(path) for path in paths if not MADE_BY_TOOLS & set(path.parts)]
    return tuple(sorted({name for name in names if (ROOT / name).is_file()}))


def under(*folders: str, ending: str = "") -> list[str]:
    """The files below any of `folders` ("src", "docs") whose name ends so."""
    return [name for name in files() if name.startswith(tuple(f"{f}/" for f in folders)) and name.endswith(ending)]


def octets(name: str) -> bytes:
    """What stands in a file."""
    return (ROOT / name).read_bytes()


def text(name: str) -> str:
    """What stands in a text file."""
    return octets(name).decode("utf-8")


def is_text(name: str) -> bool:
    """Whether git would show the file as text: no zero octet near its beginning."""
    return b"\0" not in octets(name)[:8000]


@cache
def parsed(name: str) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text(name), filename=name)


def lines_of(name: str) -> list[tuple[int, str]]:
    """Line numbers from 1, and lines."""
    return list(enumerate(text(name).splitlines(), start=1))


def room_of(name: str) -> str:
    """The room of a file of the program: "tlog" for src/detente/tlog/tree.py, "ids" for src/detente/ids.py."""
    return name.removeprefix("src/detente/").split("/")[0].removesuffix(".py")


def report(found: list[str]) -> str:
    """Findings as the text of a failure."""
    return "\n".join(["", *found])
