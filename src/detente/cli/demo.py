"""`detente demo`: the whole thing on this machine, as EXERCISE, narrated from what the stations themselves show."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from detente.cli.speech import Act, say, say_json
from detente.demo.play import SCENARIOS, Play, Told, load
from detente.demo.stage import Stage, require_empty
from detente.errors import Fault
from detente.records.marks import marked_text


@click.command(cls=Act, short_help="Play whole scenarios on this machine.")
@click.option("--scenario", "names", type=click.Choice(SCENARIOS), multiple=True, help="Only this one. Default: both.")
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="A new folder to play in.")
@click.option("--no-serve", is_flag=True, help="Stop the stations at the end (so far they always stop).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each fact.")
@click.option("--tamper", hidden=True, metavar="PARTY", help="Flip one bit in a store before the verification.")
def demo(*, names: tuple[str, ...], folder: Path | None, no_serve: bool, as_json: bool, tamper: str | None) -> None:
    """Play scenarios with real stations: one process and one HOME for each party.

    All of it is EXERCISE. Every fact that is told is read back from a station;
    in the end every station is stopped, and all records are verified offline.
    The folder stays, for `detente log`, `status` and `verify`.
    Exit status 0: every fact held. 1: one did not, and which.
    """
    del no_serve  # there is no console yet that could be left open
    place = folder or Path(tempfile.mkdtemp(prefix="detente-demo-"))
    require_empty(place)
    began = time.monotonic()
    chosen = names or SCENARIOS
    stages = [Stage(place) for _ in chosen]
    for name, stage in zip(chosen, stages, strict=True):
        play = Play(load(name), stage)
        try:
            facts = _facts(play, stage, tamper)
            (_tell_json if as_json else _tell)(name, play.steps, facts)
        except Fault as fault:
            _say_failed(name, fault, as_json=as_json)
            sys.exit(1)
        finally:
            stage.stop_all()
    if as_json:
        say_json({"done": True, "seconds": round(time.monotonic() - began, 1), "dir": str(place)})
        return
    say(f"\nEvery fact held, in {time.monotonic() - began:.0f} s. EXERCISE: nothing here was real.")
    say(f"Look at it:   detente log {next(iter(stages[0].homes.values())).path}")
    say(f"              detente status HOME; detente verify HOME   (each party's HOME lies below {place})")
    say(f"The passphrase lies in {stages[0].passphrase_file}; each config.toml names it.")


def _facts(play: Play, stage: Stage, tamper: str | None) -> Iterator[Told]:
    yield from play.run()
    stage.stop_all()
    yield Told("stop", "every station is stopped; what follows reads only their files")
    if tamper in stage.homes:
        yield Told("tamper", play.tamper(tamper))
    yield from play.verify()


def _tell_json(name: str, _steps: int, facts: Iterator[Told]) -> None:
    for told in facts:
        say_json({"scenario": name, "step": told.step, "fact": told.fact, "ok": True})


def _tell(name: str, steps: int, facts: Iterator[Told]) -> None:
    console = Console(highlight=False)
    console.print(f"\n[bold magenta]EXERCISE[/] [bold]{name}[/]")
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with progress:
        task = progress.add_task(name, total=steps)
        last = ""
        for told in facts:
            if told.step != last or told.step == "say":
                progress.advance(task, 0 if told.step == last else 1)
            last = told.step
            progress.update(task, description=f"{name}: {told.step}")
            console.print(f"[cyan]{told.step:>7}[/]  {escape(marked_text(told.fact))}")


def _say_failed(name: str, fault: Fault, *, as_json: bool) -> None:
    if as_json:
        say_json({"scenario": name, "step": "failed", "fact": fault.text, "ok": False})
    else:
        click.secho(f"{name}: a fact did not hold: {fault.text}", fg="red", err=True)
