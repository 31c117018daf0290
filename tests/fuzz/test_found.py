"""Inputs that once broke an invariant: hexadecimal digits in fuzz/found/TARGET/, a file each, kept for ever."""

from pathlib import Path

import pytest

from fuzz.targets import TARGETS
from tests.tidy.tree import ROOT

FOUND = sorted((ROOT / "fuzz" / "found").glob("*/*.hex"))


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # cryptography's own word on certificates that we refuse
@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_it_is_mended(path: Path) -> None:
    """The same octets now keep the invariant."""
    TARGETS[path.parent.name.replace("-", " ")].take(bytes.fromhex(path.read_text()))
