"""Files that operators name: cards, charters, texts, evidence. Its law: whole or not at all, bounded, refused
by name.
"""

import sys
from pathlib import Path

import click

from detente.errors import LocalMisuse, Malformed
from detente.limits import NOTE_OCTETS_MAX
from detente.station.papers import Paper, read_paper
from detente.stores.files import disk_faults, write_file

HOME_PATH = click.Path(file_okay=False, path_type=Path)
FILE_PATH = click.Path(path_type=Path)
STANDARD_INPUT = "-"


def get_file(path: Path, octets_max: int) -> bytes:
    """The octets of a file. Raises LocalMisuse."""
    try:
        with path.open("rb") as file:
            octets = file.read(octets_max + 1)
    except OSError as error:
        raise LocalMisuse(f"{path} cannot be read: {error.strerror}") from error
    if len(octets) > octets_max:
        raise LocalMisuse(f"{path} has more than {octets_max} octets; is it the right file?")
    return octets


def get_text(path: Path, octets_max: int) -> str:
    """The text of a file, or of the standard input for "-", octet for octet (READ-3). Raises LocalMisuse."""
    if str(path) == STANDARD_INPUT:
        octets = sys.stdin.buffer.read(octets_max + 1)
        if len(octets) > octets_max:
            raise LocalMisuse(f"the text has more than {octets_max} octets")
    else:
        octets = get_file(path, octets_max)
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise LocalMisuse(f"{path} is not UTF-8 text; convert it first") from error


def get_paper(path: Path) -> Paper:
    """A charter file. Raises LocalMisuse, Malformed."""
    octets = get_file(path, NOTE_OCTETS_MAX)
    try:
        return read_paper(octets)
    except Malformed as fault:
        raise Malformed(f"{path}: {fault.text}", rule=fault.rule) from fault


def put_file(path: Path, octets: bytes, *, new: bool = False) -> None:
    """Write a file whole and durably; with `new`, never over another one. Raises LocalMisuse, StoreFault."""
    path = path.absolute()
    if not path.parent.is_dir():
        raise LocalMisuse(f"there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise LocalMisuse(f"{path} is a folder; give the name of a file")
    if new and path.exists():
        raise LocalMisuse(f"{path} exists; give another name, so that nothing signed is lost")
    with disk_faults(path):
        write_file(path, octets)
