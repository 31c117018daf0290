"""How the command line speaks: faults, times, tables, and the marks of an exercise.

Its law: a fault is one line with its rule, then its exit status, and no traceback; with --json it is JSON on standard
output. What is shown of an EXERCISE channel says so in its first and its last line. Octets of others never steer the
terminal.
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn

import click
from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detente.errors import Fault, LocalMisuse

EXIT_STATUSES = (
    (0, "done, or sound"),
    (1, "broken off by the operator"),
    (2, "the request is wrong; nothing was changed"),
    (3, "the other side's octets are malformed or against the rules, or a check found something"),
    (4, "the disk: not written, or it is not known whether it was written; look before trying again"),
    (5, "the line, or the station at its other end"),
    (70, "a bug of Detente; please report it"),
)
EXERCISE_LINE = "EXERCISE EXERCISE EXERCISE - this is a drill channel, nothing in it is real"
WIDTH_OF_FILES = 120  # columns where output is no terminal
TAB_WIDTH = 8
WIDTH_MIN = 20  # columns of text, however narrow the terminal says that it is

_BREAKABLE = re.compile(r"<U\+[0-9A-F]+>|\s+|[^\s<]+|<")
_AGES = ((86_400 * 2, 86_400, "days"), (3_600 * 2, 3_600, "h"), (60 * 2, 60, "min"), (1, 1, "s"))


def exit_statuses() -> str:
    """The epilog of `detente --help`."""
    return "\n".join(["Exit status:", *(f"  {status:<3} {meaning}" for status, meaning in EXIT_STATUSES)])


# --- commands


class AsWritten(click.Command):
    """Help as its author broke the lines: examples and steps keep their shape."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The text between usage and options."""
        del ctx
        _write_lines(formatter, inspect.cleandoc(self.help or ""))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The text after the options."""
        del ctx
        if self.epilog:
            _write_lines(formatter, self.epilog)


def _write_lines(formatter: click.HelpFormatter, text: str) -> None:
    formatter.write_paragraph()
    for line in text.split("\n"):
        formatter.write(f"  {line}".rstrip() + "\n")


class Act(AsWritten):
    """A command whose faults end as one line and its exit status."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - as click has it
    ) -> click.Context:
        """Read the options; what is wrong with them is a LocalMisuse that names the help."""
        as_json = "--json" in args
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            path = f"{parent.command_path} {info_name}" if parent else str(info_name)
            text = f"{error.format_message().rstrip('.')}; see `{path} --help`"
            _end(LocalMisuse(text), as_json=as_json)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Do it, and speak about what went wrong."""
        try:
            return super().invoke(ctx)
        except Fault as fault:
            _end(fault, as_json=bool(ctx.params.get("as_json")))
        except (BrokenPipeError, KeyboardInterrupt):
            raise
        except OSError as error:  # of a FILE that the operator named; HOME's files raise StoreFault
            where = f"{error.filename}: " if error.filename else ""
            _end(LocalMisuse(f"{where}{error.strerror or error}"), as_json=bool(ctx.params.get("as_json")))


class Acts(AsWritten, click.Group):
    """A group of such commands, in the order in which they are used."""

    command_class = Act
    group_class = type

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As declared, not by alphabet: the order tells the way."""
        del ctx
        return list(self.commands)


def _end(fault: Fault, *, as_json: bool) -> NoReturn:
    if as_json:
        say_json({"error": fault_object(fault)})
    else:
        click.secho(f"error: {printable(' '.join(str(fault).split()))}", fg="red", err=True)
    sys.exit(fault.exit_status)


def fault_object(fault: Fault) -> dict[str, Any]:
    """A fault for programs."""
    return {"code": fault.code, "rule": fault.rule, "text": fault.text, "exit_status": fault.exit_status}


# --- speaking


def say(text: str = "") -> None:
    """A line for people."""
    click.echo(printable(text))


def warn(text: str) -> None:
    """A line beside the result, on standard error."""
    click.secho(f"warning: {printable(text)}", fg="yellow", err=True)


def say_json(value: object) -> None:
    """One JSON value on one line."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str | Text]], title: str = "") -> None:
    """A table for people. Cells are shown as they are: no markup is read in them."""
    table = Table(
        title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
    console().print(table)


def console() -> Console:
    """A console for the standard output of this moment."""
    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout, highlight=False, emoji=False, markup=False, width=None if terminal else WIDTH_OF_FILES
    )


def broken_line(line: str, margin: int) -> list[str]:
    """A line in pieces that leave a margin on the screen: broken between words or marks, else within what is too long."""
    width = max(WIDTH_MIN, console().width - margin)
    pieces = [""]
    for token in _BREAKABLE.findall(line.expandtabs(TAB_WIDTH)):
        if cell_len(pieces[-1] + token) > width and pieces[-1].strip():
            pieces[-1] = pieces[-1].rstrip()
            pieces.append("")
            token = token.lstrip()  # noqa: PLW2901 - the space at which a line is broken is not shown
        for number, part in enumerate(chop_cells(token, width)):
            pieces[-1:] = [pieces[-1] + part] if number == 0 else [pieces[-1], part]
    return pieces


@contextmanager
def framed(mode: str) -> Iterator[None]:
    """Everything shown of a channel: an exercise is named in the first and the last line, whatever happens between."""
    if mode != "EXERCISE":
        yield
        return
    click.secho(EXERCISE_LINE, fg="yellow", bold=True)
    try:
        yield
    finally:
        click.secho(EXERCISE_LINE, fg="yellow", bold=True)


def printable(text: str) -> str:
    """Control and direction-changing characters made visible: text of others cannot steer or disguise a line."""
    return "".join(one if one.isprintable() or one in "\n\t" else f"<U+{ord(one):04X}>" for one in text)


def show_time(moment_ms: int | None, now_ms: int) -> str:
    """UTC and age: "2030-01-31 06:00:00Z (3 min ago)"; "-" where there is none."""
    if moment_ms is None:
        return "-"
    try:
        moment = datetime.fromtimestamp(moment_ms / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{moment_ms} ms (no date)"
    return f"{moment:%Y-%m-%d %H:%M:%S}Z ({_age(now_ms - moment_ms)})"


def _age(elapsed_ms: int) -> str:
    seconds = abs(elapsed_ms) // 1_000
    for least, unit, word in _AGES:
        if seconds >= least:
            amount = f"{seconds // unit} {word}"
            return f"{amount} ago" if elapsed_ms > 0 else f"in {amount}"
    return "now"


# --- reading what operators write


def pairs(values: Sequence[str], option: str) -> dict[str, str]:
    """`en=Party Alfa` options as a table. Raises LocalMisuse."""
    found: dict[str, str] = {}
    for value in values:
        language, equals, text = value.partition("=")
        if not equals or not re.fullmatch(r"[a-z]{2}", language) or not text:
            raise LocalMisuse(f"{option} takes LANGUAGE=TEXT, for example {option} en='Party Alfa', not {value!r}")
        if language in found:
            raise LocalMisuse(f"{option} names the language {language} twice")
        found[language] = text
    return found
