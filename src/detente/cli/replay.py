"""`detente replay`: a correspondence from a file, played as an exercise by the stations of its parties."""

from contextlib import nullcontext
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from detente.cli.files import HOME_PATH
from detente.cli.online import channel_option
from detente.cli.passphrases import passphrase_of, passphrase_option
from detente.cli.speech import Act, console, framed, say, say_json, say_table
from detente.demo.correspondence import Correspondence, Planned, cast, load
from detente.demo.replay import Played, Replay
from detente.errors import LocalMisuse
from detente.ids import PARTY_ID, PartyId
from detente.station.home import Home


@click.command(cls=Act, short_help="Play a correspondence from a file, as an exercise.")
@click.argument("home", type=HOME_PATH)
@click.argument("file")
@channel_option
@click.option("--as", "names", multiple=True, metavar="NAME=PARTY", help="The party that plays a name of the file.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="FACTOR",
    help="Keep the pauses between the times in the file, divided by FACTOR: 1 is real time. Default: no pauses.",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a message of another party, beyond its pause.",
)
@click.option(
    "--repeat",
    type=click.IntRange(1, 1_000_000),
    default=1,
    show_default=True,
    metavar="N",
    help="Play it in the same channel once more, as number N; the same N at every end.",
)
@click.option("--dry-run", is_flag=True, help="Show what is to be played and what is done; send nothing.")
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each message, and one at the end.")
def replay(
    *,
    home: Path,
    file: str,
    channel: str,
    names: tuple[str, ...],
    speed: float | None,
    patience: float,
    repeat: int,
    dry_run: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Play the messages of our party from FILE, each after those before it.

    FILE is a JSON list of messages, each with `from`, `to` and `text`, and if
    you like `time`, `precedence` and `language`, or the name of a correspondence
    that is shipped: molink-1967. Each party gives this command at its own
    running station with the same FILE. A message waits until the earlier ones
    for us have arrived, so the books come to hold the order of the file.
    EXERCISE channels only. Broken off, the same command goes on: what the books
    hold is never sent twice.

    For example, at ALFA, and the same at BRAVO with its own HOME:
      detente replay ~/alfa molink-1967 --speed 1000 \
          --as us-molink=alfa --as soviet-molink=bravo
    and drill.json, for parties that need no --as:
      [{"from": "alfa", "to": "bravo", "time": "2030-01-31T06:00Z",
        "precedence": "flash", "language": "en", "text": "Call us."}]
    """
    opened = Home.open(home)
    correspondence = load(file)
    passphrase = passphrase_of(opened, passphrase_file)
    with nullcontext() if dry_run else opened.lock_replay():
        playing = Replay(opened, passphrase, channel, repeat=repeat, speed=speed, patience=patience)
        planned = cast(correspondence, _names(names), playing.parties)
        before = playing.take(correspondence, planned)
        if dry_run:
            _show(playing, planned, before, as_json=as_json)
            return
        (_play_in_json if as_json else _play)(playing, correspondence, planned, before)


def _names(values: tuple[str, ...]) -> dict[str, PartyId]:
    found: dict[str, PartyId] = {}
    for value in values:
        name, equals, party = value.rpartition("=")
        if not equals or not name or not PARTY_ID.fullmatch(party):
            raise LocalMisuse(f"--as takes NAME=PARTY, for example --as us-molink=alfa, not {value!r}")
        if found.setdefault(name, PartyId(party)) != party:
            raise LocalMisuse(f"--as gives {name!r} to {found[name]} and to {party}; one party plays it")
    return found


# --- showing


def _show(playing: Replay, planned: tuple[Planned, ...], before: list[Played], *, as_json: bool) -> None:
    """What is done and what would be."""
    done = {one.planned.number: one for one in before}
    if as_json:
        for one in planned:
            say_json(_line(done.get(one.number) or Played(one, playing.future_of(one))))
        return
    with framed(playing.mode):
        say(f"{playing.channel}, as {playing.party}. Nothing is sent.")
        rows = []
        for one in planned:
            played = done.get(one.number) or Played(one, playing.future_of(one))
            facts = [_who(one), one.precedence.upper(), one.language or "", f"{len(one.text.encode()):,} octets"]
            what = f"{played.what} {played.ref}".rstrip()
            rows.append((str(one.number), one.time or "-", ", ".join(filter(None, facts)), what))
        say_table(("no.", "time", "message", "state"), rows)


def _play(playing: Replay, correspondence: Correspondence, planned: tuple[Planned, ...], before: list[Played]) -> None:
    with framed(playing.mode):
        say(f"{correspondence.name}: {len(planned)} messages on {playing.channel}, as {playing.party}.")
        if before:
            say(f"{len(before)} of them are in the books already; going on from there.")
        progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console(), transient=True,
        )  # fmt: skip
        with progress:
            task = progress.add_task(str(playing.party), total=len(planned), completed=len(before))
            playing.on_wait = lambda what: progress.update(task, description=what)
            for played in playing.run():
                progress.advance(task)
                one = played.planned
                progress.console.print(
                    f"{one.number:>5}  {one.precedence.upper():<9}  {_who(one)}  {played.what} {played.ref}".rstrip()
                )
            progress.update(task, description="receipts")
            held, ours = playing.count_held()
        say(f"Played whole. {held} of our {ours} messages are proven to be held by everyone they are addressed to.")


def _play_in_json(
    playing: Replay, _correspondence: Correspondence, planned: tuple[Planned, ...], before: list[Played]
) -> None:
    for played in (*before, *playing.run()):
        say_json(_line(played))
    held, ours = playing.count_held()
    say_json({"done": True, "channel": playing.channel, "messages": len(planned), "ours": ours, "held": held})


def _who(planned: Planned) -> str:
    return f"{planned.sender} to {', '.join(planned.to)}"


def _line(played: Played) -> dict[str, object]:
    one = played.planned
    return {
        "number": one.number,
        "from": one.sender,
        "to": list(one.to),
        "time": one.time,
        "precedence": one.precedence.upper(),
        "language": one.language,
        "octets": len(one.text.encode()),
        "state": played.what,
        "entry": played.ref or None,
        "before": played.before,
    }
