"""`detente bench`: what this machine does, measured on real stations, beside what it should do and what it could do at most."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from detente.bench.measure import FIGURES, NORMAL, QUICK, Figure, is_met, measure
from detente.cli.speech import Act, say, say_json, say_table
from detente.demo.stage import require_empty

MILLION = 1_000_000


@click.command(cls=Act, short_help="Measure what this machine can do.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, figures by name.")
@click.option("--quick", is_flag=True, help="A few seconds: shows that everything works; the figures mean little.")
@click.option("--million", is_flag=True, help="Also a book of a million entries; takes a minute or two more.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False),
    help="A new folder on the disk to measure. Default: a temporary one, removed afterwards.",
)  # fmt: skip
def bench(*, as_json: bool, quick: bool, million: bool, folder: Path | None) -> None:
    """Measure two real stations on this machine, joined by TLS on loopback.

    Messages of 280 octets go in by the local socket of one station; each is
    sealed, signed for, synced to disk on both sides and cosigned by the other.
    The limit is the same cryptography, encoding and SQLite work without links
    and turns, measured in the same run: compare with it, not with other machines.
    A disk that syncs in no time (a temporary folder in memory) flatters: use --dir.
    docs/BENCH.md says what each figure means. Nothing needs special rights.
    """
    plan = QUICK if quick else NORMAL
    if million:
        plan = replace(plan, million_entries=MILLION if not quick else MILLION // 100)
    with tempfile.TemporaryDirectory(prefix="detente-bench-") as temporary:
        place = folder or Path(temporary)
        require_empty(place)
        place.mkdir(parents=True, exist_ok=True)
        progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
            console=Console(file=sys.stderr), transient=True,
        )  # fmt: skip
        with progress:
            task = progress.add_task("", total=1.0)
            found = measure(place, plan, lambda what, part: progress.update(task, description=what, completed=part))
    if as_json:
        say_json(found)
        return
    say_table(("what", "measured", "target", ""), [_row(one, found[one.key]) for one in FIGURES if one.key in found])
    if quick:
        say("\nQuick: it works. For figures that mean something leave --quick out and the machine alone.")


def _row(figure: Figure, value: float) -> tuple[str, str, str, Text]:
    sign = ">=" if figure.at_least else "<="
    target = f"{sign} {figure.target:,g} {figure.unit}" if figure.target is not None else ""
    met = is_met(figure, value)
    mark = Text("") if met is None else Text("met", "green") if met else Text("not met", "red")
    return figure.what, f"{value:,} {figure.unit}", target, mark
