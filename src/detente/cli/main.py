"""The command `detente`: one line per command. What they do stands in `offline.py`, `charters.py`, `online.py`,
`recovery.py`.
"""

import click

from detente import __version__
from detente.cli import bench, charters, courier, demo, offline, online, recovery, replay, verifying
from detente.cli.speech import Acts, exit_statuses


@click.group(cls=Acts, epilog=exit_statuses(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="detente")
def main() -> None:
    """Detente keeps a channel open between parties that do not trust each other.

    The way to a line between two machines:
      detente init HOME ...            keys and the first card, on each machine
      detente charter draft ...        from all cards; read fingerprints aloud
      detente charter sign HOME FILE   each party, one after the other
      detente charter join HOME FILE   each party, when all have signed
      detente run HOME                 each party; either side may dial
      detente send HOME ...            also without a running station: queued

    Each command explains itself: detente COMMAND --help.
    """


main.add_command(offline.init)
main.add_command(offline.card)
main.add_command(charters.charter)
main.add_command(online.run)
main.add_command(online.stop)
main.add_command(online.send)
main.add_command(online.reply)
main.add_command(online.ack)
main.add_command(online.log)
main.add_command(online.status)
main.add_command(online.evidence)
main.add_command(courier.courier)
main.add_command(recovery.backup)
main.add_command(recovery.restore)
main.add_command(recovery.doctor)
main.add_command(demo.demo)
main.add_command(replay.replay)
main.add_command(bench.bench)
main.add_command(verifying.verify)
