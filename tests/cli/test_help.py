"""Help that teaches: every command says what it does, every option what it means, and the exit statuses are listed."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from detente.cli.main import main
from detente.cli.speech import EXIT_STATUSES
from detente.errors import BearerFault, BrokenRule, InternalFault, LocalMisuse, Malformed, StoreFault
from tests.cli.desks import done


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command under a group, with its words."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(main))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    """`--help` gives its purpose in whole sentences, and a meaning beside every option that it shows."""
    command = ALL[words]
    text = done(*words, "--help")
    assert (command.help or "").split("\n")[0].rstrip(".")[:50] in text
    assert command.short_help
    assert command.short_help.endswith(".")
    assert all(len(line) <= 100 for line in text.split("\n"))
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, option.name
            assert option.help.split(" ")[0] in text


def test_reading_commands_answer_in_json() -> None:
    """Commands that read, and those that programs start, have --json."""
    with_json = {words for words, command in ALL.items() if any(one.name == "as_json" for one in command.params)}
    wanted = ["init", "card", "send", "reply", "ack", "log", "status", "evidence", "verify"]
    assert with_json >= {*((word,) for word in wanted), ("charter", "show"), ("charter", "verify"), ("charter", "join")}


def test_exit_statuses_are_documented() -> None:
    """The statuses of every kind of fault stand in `detente --help`."""
    text = done("--help")
    listed = {status for status, _ in EXIT_STATUSES}
    assert listed >= {
        kind.exit_status for kind in (LocalMisuse, Malformed, BrokenRule, StoreFault, BearerFault, InternalFault)
    }
    assert all(f"  {status:<3} {meaning}" in text for status, meaning in EXIT_STATUSES)


def test_python_m_detente_is_the_command() -> None:
    """`python -m detente --version` runs, and names the program."""
    result = subprocess.run([sys.executable, "-m", "detente", "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("detente, version ")
