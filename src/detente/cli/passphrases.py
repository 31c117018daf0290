"""Where the passphrases of keys and backups come from: an option, the environment, config.toml, the operator at the terminal.

Its law: it is asked for only when a key is needed, never stands in an argument, and never in a message.
"""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from detente.cli.speech import warn
from detente.errors import LocalMisuse
from detente.station.home import Home

ENVIRONMENT = "DETENTE_PASSPHRASE_FILE"
BACKUP_ENVIRONMENT = "DETENTE_BACKUP_PASSPHRASE_FILE"
FILE_OCTETS_MAX = 4_096

_Command = TypeVar("_Command", bound=Callable[..., Any])


def passphrase_option(command: _Command) -> _Command:
    """--passphrase-file FILE, as every command that needs a key has it."""
    return click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"First line: the passphrase of the keys. Without it: ${ENVIRONMENT}, then config.toml, then a question.",
    )(command)


def passphrase_of(home: Home, option: Path | None) -> Callable[[], bytes]:
    """How to get the passphrase of an existing HOME once a key is needed."""

    def get() -> bytes:
        named = os.environ.get(ENVIRONMENT)
        path = option or (Path(named) if named else home.passphrase_path)
        return _from_file(path) if path else _asked(f"Passphrase of {home.path}: ")

    return get


def new_passphrase(home_path: Path, option: Path | None) -> bytes:
    """The passphrase of a HOME that is being made; typed twice at a terminal. Raises LocalMisuse."""
    named = os.environ.get(ENVIRONMENT)
    path = option or (Path(named) if named else None)
    if path:
        return _from_file(path)
    first = _asked(f"New passphrase for the keys of {home_path} (five random words are good): ")
    if _asked("The same again: ") != first:
        raise LocalMisuse("the two passphrases differ; nothing was made, begin again")
    return first


def backup_passphrase_option(command: _Command) -> _Command:
    """--backup-passphrase-file FILE, as every command that writes or reads a backup has it."""
    return click.option(
        "--backup-passphrase-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"First line: the passphrase of the backup. Without it: ${BACKUP_ENVIRONMENT}, then a question.",
    )(command)


def backup_passphrase(backup: Path, option: Path | None, *, new: bool) -> bytes:
    """The passphrase of a backup; a new one is typed twice at a terminal. Raises LocalMisuse."""
    named = os.environ.get(BACKUP_ENVIRONMENT)
    path = option or (Path(named) if named else None)
    if path:
        return _from_file(path)
    option_name = "--backup-passphrase-file"
    first = _asked(f"Passphrase of the backup {backup}: ", option_name, BACKUP_ENVIRONMENT)
    if new and _asked("The same again: ", option_name, BACKUP_ENVIRONMENT) != first:
        raise LocalMisuse("the two passphrases differ; nothing was made, begin again")
    return first


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            line = file.read(FILE_OCTETS_MAX).split(b"\n", 1)[0].removesuffix(b"\r")
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise LocalMisuse(f"the passphrase file {path} cannot be read: {error.strerror}") from error
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(f"{path} holds a passphrase and others can read it; say: chmod 600 {path}")
    return _checked(line, f"the first line of {path}")


def _asked(question: str, option: str = "--passphrase-file", environment: str = ENVIRONMENT) -> bytes:
    if not _at_terminal():
        raise LocalMisuse(
            f"a passphrase is needed and nobody is at a terminal: give {option} FILE, or set {environment}"
        )
    return _checked(
        click.prompt(question, prompt_suffix="", hide_input=True, default="", show_default=False).encode(), "it"
    )


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _checked(passphrase: bytes, where: str) -> bytes:
    if not passphrase:
        raise LocalMisuse(f"the passphrase is empty: {where} holds nothing")
    try:
        passphrase.decode()
    except UnicodeDecodeError as error:
        raise LocalMisuse(f"the passphrase is not UTF-8 text: {where}") from error
    return passphrase
