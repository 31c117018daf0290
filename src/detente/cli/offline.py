"""Making a station and its cards: `init` and `card`. No network, no running station.

Its law: a card is shown with its fingerprint and with what people must do with it; no private key is ever printed.
"""

import time
from pathlib import Path

import click

from detente.cli.files import FILE_PATH, HOME_PATH, get_paper, put_file
from detente.cli.passphrases import new_passphrase, passphrase_of, passphrase_option
from detente.cli.speech import Act, pairs, say, say_json
from detente.formats.card import ROLES, STATEMENTS
from detente.station.config import Config, default_cosign
from detente.station.home import Home
from detente.station.papers import make_card, read_card, root_key, root_key_path


@click.command(cls=Act, short_help="Make a station: HOME, its keys, its first card.")
@click.argument("home", type=HOME_PATH)
@click.option("--party", required=True, metavar="ID", help="The party's id: a-z, 0-9, -, at most 24 characters.")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What the party is in the charter.")
@click.option("--name", "names", required=True, multiple=True, metavar="LANG=TEXT", help="Its name, once per language.")
@click.option("--station", default="hq", show_default=True, metavar="ID", help="This station's id within the party.")
@click.option(
    "--cosign",
    type=click.Choice(STATEMENTS),
    help="What its receipts state. Default: holds for principal and witness, none for mediator and observer.",
)
@click.option("--listen", multiple=True, metavar="HOST:PORT", help="Where it listens. None: it only dials.")
@click.option(
    "--bearer",
    "bearers",
    multiple=True,
    metavar="ADDRESS",
    help="How others reach it: tls://HOST:PORT, serial:NAME or courier:NAME; stands in the charter.",
)
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def init(
    *,
    home: Path,
    party: str,
    role: str,
    names: tuple[str, ...],
    station: str,
    cosign: str | None,
    listen: tuple[str, ...],
    bearers: tuple[str, ...],
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    r"""Make a station in the new folder HOME.

    Makes its keys, encrypted with a passphrase (PKCS#8), its config.toml, and
    its first card: the public keys that stand for the party in one charter.

    For example:
      detente init ~/alfa --party alfa --role principal --name en="Party Alfa" \
          --listen 0.0.0.0:7410 --bearer tls://line.alfa.example:7410
    """
    config = Config(
        party=party,
        role=role,
        name=pairs(names, "--name"),
        station=station,
        cosign=cosign or default_cosign(role),
        bearers=bearers,
        listen=listen,
    )
    Home.require_new(home)
    passphrase = new_passphrase(home, passphrase_file)
    made = Home.create(home, config, passphrase, int(time.time()))
    made_card = _new_card(made, passphrase, None, None)
    if as_json:
        say_json(_card_object(made, made_card))
        return
    say(f"Station {party}/{station} is made in {made.path}.")
    _say_card(made, made_card)
    say()
    say(f"Private keys lie in {made.keys_path}, encrypted with your passphrase. Nobody can restore a lost passphrase.")
    say(
        "The root key signs charters and book notes only. Once those are signed, move its file to a safe place offline:"
    )
    say(f"  {root_key_path(made, read_card(made_card.read_bytes())[0])}")
    say(f"Settings are in {made.path / 'config.toml'}. Keep the anchor on another medium if you can; it says where.")


@click.command(cls=Act, short_help="Make another card, for another charter or an amendment.")
@click.argument("home", type=HOME_PATH)
@click.option("--role", type=click.Choice(ROLES), help="Role in that charter. Default: the role in config.toml.")
@click.option(
    "--for", "amends", type=FILE_PATH, metavar="CHARTER", help="For an amendment of this charter: keeps its root."
)
@click.option("-o", "output", type=FILE_PATH, metavar="FILE", help="Put a copy of the card here.")
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def card(
    *,
    home: Path,
    role: str | None,
    amends: Path | None,
    output: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Make another card of the station in HOME, with fresh keys.

    The keys of one card serve one charter and its amendments: a second channel
    needs a second card. With --for CHARTER the card keeps the root of that
    charter and renews the rest; an amendment brings it in.

    For example:
      detente card ~/alfa -o alfa-second.card
    """
    opened = Home.open(home)
    made = _new_card(opened, passphrase_of(opened, passphrase_file)(), role, amends)
    if output is not None:
        put_file(output, made.read_bytes())
    if as_json:
        say_json(_card_object(opened, made))
        return
    _say_card(opened, output or made)


def _new_card(home: Home, passphrase: bytes, role: str | None, amends: Path | None) -> Path:
    custody = home.open_custody(passphrase)
    if amends is None:
        return make_card(home, custody, role or home.config.role)
    party = get_paper(amends).charter.party(home.config.party)
    return make_card(home, custody, role or party.role, root_key(home, custody, party), party.root.name)


def _say_card(home: Home, path: Path) -> None:
    party, digits = read_card(path.read_bytes())
    say()
    say(f"Card:        {path}")
    say(f"Fingerprint: {digits}")
    say()
    say(f"1. Send the card to whoever drafts the charter. It holds public keys only; role {party.role}.")
    say("2. Call the other parties and read the fingerprint aloud, group by group. They compare it with the one that")
    say("   `detente charter show` prints of your card. You do the same with theirs. Nobody signs before that.")
    say(f"3. When the draft comes: detente charter sign {home.path} CHARTER")


def _card_object(home: Home, path: Path) -> dict[str, object]:
    party, digits = read_card(path.read_bytes())
    return {
        "home": str(home.path),
        "party": party.id,
        "station": home.config.station,
        "role": party.role,
        "card": str(path),
        "fingerprint": digits,
        "root": str(party.root),
        "keys": str(home.keys_path),
        "root_key": str(root_key_path(home, party)),
    }
