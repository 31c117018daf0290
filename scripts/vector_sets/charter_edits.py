"""Bad cards and charters, each one edit of a good text: (name, rule, base, old, new)."""

from vector_sets.base import b64, certificate, ed25519, vkey
from vector_sets.world import ALFA, BRAVO, CHANNEL, HARBOUR

Edit = tuple[str, str, str, str, str]
SMALL = bytes(32)  # KEY-5: a point of order 4


def of(base: str, *edits: tuple[str, str, str, str]) -> list[Edit]:
    """Edits of one text."""
    return [(name, rule, base, old, new) for name, rule, old, new in edits]


def cards() -> list[Edit]:
    """Of bravo's card, and of alfa's where two stations are needed."""
    root, station = BRAVO.root, BRAVO.stations[0]
    comment = next(line for line in BRAVO.card().splitlines() if line.startswith("# The public"))
    tls = b64(certificate(station.name))
    der = certificate(station.name)
    tls_public = ed25519(f"{station.name} tls").public_key().public_bytes_raw()
    empty = '\n[[station]]\nid = "s"\nstatement = "none"\ntls = ""\nbearers = []\n'
    of_hq, of_field = (b64(certificate(one.name)) for one in ALFA.stations)
    pq = HARBOUR.stations[0].pq_cosigner.vkey
    name, _, encoded = root.vkey.split("+", 2)
    short = b"\x30\x7f" + bytes(127)
    return [
        *of(
            "bravo",
            ("another format", "spec/3", "format 1", "format 2"),
            ("a space before the first line", "spec/3", "# Detente card", " # Detente card"),
            ("the first line of a charter", "spec/3", "# Detente card", "# Detente charter"),
            ("a tab", "spec/3", 'role = "', 'role =\t"'),
            ("a carriage return", "spec/3", '"principal"\n', '"principal"\r\n'),
            ("a line of 4,097 octets", "spec/3", "# The public", "#" * (4_097 - len(comment)) + "# The public"),
            ("no newline at the end", "NOTE-1", '4433"]\n', '4433"]'),
            ("no TOML", "spec/3", 'party = "', 'party "'),
            ("a key twice", "spec/3", 'role = "principal"', 'role = "principal"\nrole = "principal"'),
            ("an unknown key", "spec/3", 'role = "principal"', 'role = "principal"\nrank = 1'),
            ("an unknown key of a station", "spec/3", 'id = "hq"', 'id = "hq"\nrank = 1'),
            ("no role", "spec/3", 'role = "principal"\n', ""),
            ("no party", "spec/3", 'party = "bravo"\n', ""),
            ("a party id in capitals", "spec/3", 'party = "bravo"', 'party = "Bravo"'),
            ("a party id of 25 characters", "spec/3", 'party = "bravo"', f'party = "{"b" * 25}"'),
            ("a party id that begins with a digit", "spec/3", 'party = "bravo"', 'party = "1bravo"'),
            ("an unknown role", "spec/3", '"principal"', '"guest"'),
            ("a role that is no text", "spec/3", '"principal"', "1"),
            ("no name", "spec/3", 'name.en = "Bravo"\n', "name = {}\n"),
            ("a language of three letters", "spec/3", "name.en", "name.eng"),
            ("a name of 121 characters", "spec/3", '"Bravo"', '"' + "\u00fc" * 121 + '"'),
            ("an empty name", "spec/3", '"Bravo"', '""'),
            ("a name of spaces", "spec/3", '"Bravo"', '"  "'),
            ("a name of two lines", "spec/3", '"Bravo"', '"Bra\\nvo"'),
            ("a name with an escaped control character", "spec/3", '"Bravo"', '"Bra\\u0007vo"'),
            ("a root of type 4", "KEY-2", root.vkey, vkey(root.name, 4, root.public)),
            ("a root with another id", "KEY-1", root.vkey, f"{name}+00000000+{encoded}"),
            ("a root of small order", "KEY-5", root.vkey, vkey(root.name, 1, SMALL)),
            ("a cosigner of small order", "KEY-5", station.cosigner.vkey, vkey(station.cosigner.name, 4, SMALL)),
            ("a cosigner of type 1", "KEY-2", station.cosigner.vkey, vkey(station.cosigner.name, 1, station.cosigner.public)),
            ("an unknown statement", "spec/3", '"holds"', '"keeps"'),
            ("a cosigner that states nothing", "spec/3", '"holds"', '"none"'),
            ("holds without a cosigner", "spec/3", f'cosigner = "{station.cosigner.vkey}"\n', ""),
            ("no station", "spec/3", "[[station]]", "[[stations]]"),
            ("nine stations", "spec/3 CHARTER-4", '4433"]\n', '4433"]\n' + empty * 8),
            ("no certificate", "spec/3", f'tls = "{tls}"\n', ""),
            ("a certificate that is not base64", "spec/3", tls, tls[:-4] + "?" + tls[-3:]),
            ("a certificate with an octet more", "spec/3", tls, b64(der + b"\0")),
            ("a certificate cut off", "spec/3", tls, b64(der[:-1])),
            ("a certificate with a length in the short form", "spec/3", tls, b64(short)),
            ("a certificate that is a DER set", "spec/3", tls, b64(b"\x31" + der[1:])),
            ("an address of another kind", "spec/3", "tls://bravo", "https://bravo"),
            ("an address in capitals", "spec/3", "bravo.example:", "Bravo.example:"),
            ("port 0", "spec/3", ":4433", ":0"),
            ("port 65,536", "spec/3", ":4433", ":65536"),
            ("no port", "spec/3", ":4433", ""),
            ("an address twice", "spec/3", '4433"]', '4433", "tls://bravo.example:4433"]'),
            ("17 addresses", "spec/3", '4433"]', '4433"' + "".join(f', "tls://b:{port}"' for port in range(1, 17)) + "]"),
            ("the root's key as cosigner", "CHARTER-3", station.cosigner.vkey, vkey(station.cosigner.name, 4, root.public)),
            ("the certificate's key as cosigner", "CHARTER-3", station.cosigner.vkey, vkey(station.cosigner.name, 4, tls_public)),
            ("the root's name for the cosigner", "CHARTER-4", station.cosigner.vkey, vkey(root.name, 4, station.cosigner.public)),
        ),
        *of(
            "alfa",
            ("two stations of one id", "CHARTER-4", '"field"', '"hq"'),
            ("one certificate for two stations", "CHARTER-3", of_field, of_hq),
            ("a post-quantum key of type 4", "KEY-2", ALFA.stations[0].pq_cosigner.vkey, vkey("x", 4, ALFA.book(8).public)),
        ),
        *of("charlie", ("a post-quantum key without a statement", "spec/3", '"none"', f'"none"\npq = "{pq}"')),
    ]  # fmt: skip


def charters() -> list[Edit]:
    """Of the charter of two principals, and of the first."""
    channel = f'channel = "{CHANNEL}"'
    short = channel.replace("line-abcdefgh234567aa", "abcdefgh234567a")
    of_bravo, of_harbour = BRAVO.stations[0], HARBOUR.stations[0]
    cosigner = of_harbour.cosigner
    tls_bravo, tls_harbour = (b64(certificate(one.name)) for one in (of_bravo, of_harbour))
    two = [
        ("another format", "spec/3", "format 1", "format 2"),
        ("protocol 2", "spec/3", "protocol = 1", "protocol = 2"),
        ("protocol true", "spec/3", "protocol = 1", "protocol = true"),
        ("an unknown mode", "spec/3", '"EXERCISE"', '"TEST"'),
        ("a channel without a path", "spec/3 CHARTER-1", channel, 'channel = "vectors.example"'),
        ("a channel in capitals", "spec/3 CHARTER-1", channel, channel.replace("line", "Line")),
        ("a channel of 15 random characters", "spec/3 CHARTER-1", channel, short),
        ("a channel with a 1 at its end", "spec/3 CHARTER-1", channel, channel.replace("aa", "a1")),
        ("a channel of 226 octets", "spec/3 CHARTER-1", "vectors.example/line-", "v" * (226 - 16 - 1) + "/"),
        ("number 0", "spec/3", "number = 1", "number = 0"),
        ("number 65,536", "spec/3", "number = 1", "number = 65536"),
        ("number 1.0", "spec/3", "number = 1", "number = 1.0"),
        ("number 2 that amends nothing", "CHARTER-6", "number = 1", "number = 2"),
        ("number 1 that amends something", "CHARTER-6", 'amends = ""', f'amends = "{"0" * 64}"'),
        ("a digest of 62 digits", "spec/3", 'catalogue = ""', f'catalogue = "{"0" * 62}"'),
        ("a digest in capitals", "spec/3", 'catalogue = ""', f'catalogue = "{"A" * 64}"'),
        ("no title", "spec/3", 'title = "A line for vectors"\n', ""),
        ("a title of 201 characters", "spec/3", "A line for vectors", "a" * 201),
        ("no language", "spec/3", '["en"]', "[]"),
        ("a language twice", "spec/3", '["en"]', '["en", "en"]'),
        ("a scope in capitals", "spec/3", '"incidents"', '"Incidents"'),
        ("a scope of 41 characters", "spec/3", '"incidents"', f'"{"i" * 41}"'),
        ("a start without an offset", "spec/3", "17:46:40Z", "17:46:40"),
        ("a start with another offset", "spec/3", "17:46:40Z", "17:46:40+01:00"),
        ("a start in parts of a second", "spec/3", "17:46:40Z", "17:46:40.5Z"),
        ("a start before 1970", "spec/3", "2030-03-17T17", "1969-03-17T17"),
        ("a start that is a text", "spec/3", "2030-03-17T17:46:40Z", '"2030-03-17T17:46:40Z"'),
        ("a period of 0", "spec/3", "period_s = 3600", "period_s = 0"),
        ("a period above 366 days", "spec/3", "period_s = 3600", "period_s = 31622401"),
        ("no time to acknowledge FLASH", "spec/3", "flash = 60\n", ""),
        ("ten officers", "spec/3", "[release]\nflash = 1", "[release]\nflash = 10"),
        ("no officer", "spec/3", "[release]\nflash = 1", "[release]\nflash = 0"),
        ("a quota of 0", "spec/3", "entries_per_day = 1000", "entries_per_day = 0"),
        ("a quota above 10^12", "spec/3", "entries_per_day = 1000", "entries_per_day = 1000000000001"),
        ("an age of 0 days", "spec/3", "maximum_age_days = 30", "maximum_age_days = 0"),
        ("a lag below 0", "spec/3", "pq_lag_days = 1", "pq_lag_days = -1"),
        ("an unknown table", "spec/3", "[quota]", "[limits]\na = 1\n\n[quota]"),
        ("an unknown key in a table", "spec/3", "[quota]", "[quota]\nmore = 1"),
        ("a party under its card's key", "spec/3", 'id = "bravo"', 'party = "bravo"'),
        ("two parties of one id", "CHARTER-4", 'id = "harbour"', 'id = "bravo"'),
        ("one principal", "CHARTER-4", 'role = "principal"', 'role = "observer"'),
        ("one root for two parties", "CHARTER-3", HARBOUR.root.vkey, vkey("other", 1, BRAVO.root.public)),
        ("one name for two roots", "CHARTER-4", HARBOUR.root.vkey, vkey(BRAVO.root.name, 1, HARBOUR.root.public)),
        ("a cosigner named as a root", "CHARTER-4", cosigner.vkey, vkey(BRAVO.root.name, 4, cosigner.public)),
        ("a root that is another's cosigner", "CHARTER-3", HARBOUR.root.vkey, vkey("other", 1, of_bravo.cosigner.public)),
        ("one certificate for two parties", "CHARTER-3", tls_harbour, tls_bravo),
        ("a root of small order", "KEY-5", HARBOUR.root.vkey, vkey(HARBOUR.root.name, 1, SMALL)),
    ]  # fmt: skip
    clause = 'text.en = "The parties keep this line open."'
    first = [
        ("an empty clause", "spec/3", clause, 'text.en = ""'),
        ("a clause without a language", "spec/3", clause, 'text = "a"'),
        ("a clause of newlines", "spec/3", clause, 'text.en = "\\n\\n"'),
        ("a clause with an escaped tab", "spec/3", clause, 'text.en = "a\\tb"'),
        ("an unknown key of a clause", "spec/3", clause, f"{clause}\nnumber = 1"),
    ]
    return [*of("two principals", *two), *of("first", *first)]
