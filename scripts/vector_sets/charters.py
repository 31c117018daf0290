"""vectors/charters.json: cards, charters, chains of charters and book notes (spec/3)."""

from dataclasses import replace

from vector_sets import charter_edits
from vector_sets.base import MADE, Case, Cases, Key, bad, cosigner, digest, good, note, vkey
from vector_sets.world import ALFA, BRAVO, CHANNEL, CHARLIE, FIRST, FOUR, HARBOUR, SECOND, Charter, Party, signed

HEADER = {
    "title": "Cards, charters and book notes",
    "rules": [
        "CARD-1",
        "CARD-2",
        "CHARTER-1",
        "CHARTER-3",
        "CHARTER-4",
        "CHARTER-5",
        "CHARTER-6",
        "OPEN-1",
        "OPEN-2",
        "KEY-3",
    ],
    "made": MADE,
    "verified": "the program; TOML also by Python's tomllib",
    "groups": {
        "cards": "`text` (not in hexadecimal) is that of a card with this `party`: id, role, all vkeys in the order of the "
        "text, stations as [id, statement, bearers]; `fingerprint` as in CARD-2. `layout` is true where the text is just what "
        "`detente` writes; others need not. Cases with `base`: the text of the "
        "case of that name in which the first occurrence of `old` is replaced by `new`",
        "signed_cards": "the note `octets` is a card signed by its own root",
        "charters": "the same for charters; `digest` as in NOTE-4, `parties` each as in cards",
        "notes": "the octets of whole notes, by a name that the two groups below use; they are UTF-8 and stand as texts",
        "chains": "a station that has no charter takes `notes` in order; with a bad case it takes all but the last and refuses "
        "that one. The same note again changes nothing",
        "book_notes": "a station that holds `charters` (names of notes) takes the book notes `notes` in order, as in chains",
    },
}


class Named:
    """Notes by name, each once."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def __call__(self, octets: bytes) -> str:
        """The name of these octets."""
        text = octets.decode()
        names = {one: name for name, one in self.texts.items()}
        name = names.get(text, f"note {len(names) + 1}")
        self.texts[name] = text
        return name


def described(party: Party) -> Case:
    """What a text says of a party."""
    keys = [party.root.vkey]
    for station in party.stations:
        keys += [station.cosigner.vkey] if station.statement != "none" else []
        keys += [station.pq_cosigner.vkey] if station.pq else []
    return {
        "id": party.id,
        "role": party.role,
        "vkeys": keys,
        "stations": [[station.id, station.statement, list(station.bearers)] for station in party.stations],
    }


def fingerprint(text: str) -> str:
    """CARD-2."""
    digits = digest(text).hex()[:40]
    return " ".join(digits[at : at + 4] for at in range(0, 40, 4))


def edited(bases: dict[str, str], edits: list[tuple[str, str, str, str, str]]) -> Cases:
    """Bad texts as one edit of a good one."""
    for name, _, base, old, _ in edits:
        if old not in bases[base]:
            raise ValueError(name)
    return [bad(name, rule, base=base, old=old, new=new) for name, rule, base, old, new in edits]


def cards() -> Cases:
    """CARD-2, CHARTER-3, CHARTER-4, KEY-5."""
    bases = {party.id: party.card() for party in FOUR}
    unusual = (
        "# Detente card, format 1\n# any comment\nroot = '"
        + BRAVO.root.vkey
        + '\' # after a value\nname = { en = "Bravo" }\n'
        'role = """principal"""\nparty = "br\\u0061vo"\n\n[[station]]\nbearers = [\n'
        '  "tls://bravo.example:4433", # the only one\n]\n'
        + "\n".join(BRAVO.stations[0].lines("station").splitlines()[2:-1])
        + "\n"
    )
    cases = [
        good(name, text=text, fingerprint=fingerprint(text), party=described(party), layout=True)
        for (name, text), party in zip(bases.items(), FOUR, strict=True)
    ]
    cases.append(
        good("unusual TOML", text=unusual, fingerprint=fingerprint(unusual), party=described(BRAVO), layout=False)
    )
    return cases + edited(bases, charter_edits.cards())


def signed_cards() -> Cases:
    """CARD-1."""
    text = BRAVO.card()
    other = Key(BRAVO.root.name, 1, ALFA.root.private)
    return [
        good("by its root", octets=signed(text, BRAVO).hex()),
        good("by its root and another", octets=signed(text, BRAVO, ALFA).hex()),
        bad("by another root", "CARD-1", octets=signed(text, ALFA).hex()),
        bad("by another key of the root's name", "CARD-1", octets=note(text, other.sign(text)).hex()),
        bad("by its root over another text", "NOTE-3", octets=note(text, BRAVO.root.sign(f"{text}\n")).hex()),
    ]


def charter_case(name: str, charter: Charter) -> Case:
    """A charter that is read."""
    text = charter.text()
    parties = [described(party) for party in charter.parties]
    return good(
        name, text=text, digest=digest(text).hex(), channel=CHANNEL, number=charter.number, parties=parties, layout=True
    )


def charters() -> Cases:
    """CHARTER-1, CHARTER-3, CHARTER-4."""
    least = Charter((BRAVO, replace(HARBOUR, role="principal")), mode="EXERCISE", dictionary="")
    bases = {"first": FIRST.text(), "second": SECOND.text(), "two principals": least.text()}
    cases = [charter_case("first", FIRST), charter_case("second", SECOND), charter_case("two principals", least)]
    return cases + edited(bases, charter_edits.charters())


def chains(named: Named) -> Cases:
    """CHARTER-5, CHARTER-6."""
    one, two = FIRST.signed(ALFA, BRAVO), SECOND.signed(ALFA, BRAVO)
    third = Charter(FOUR, 3, SECOND.text())
    moved = Charter((BRAVO, ALFA, HARBOUR), 2, FIRST.text())
    gone = Charter((ALFA, BRAVO), 2, FIRST.text())
    rooted = SECOND.text().replace(HARBOUR.root.vkey, vkey("vectors.example/harbour/new", 1, CHARLIE.book(9).public))
    demoted = (ALFA, replace(BRAVO, role="observer"), replace(HARBOUR, role="principal"))
    other = Charter(FOUR, 2, FIRST.text(), clauses=("Another clause.",))

    def taken(name: str, *notes: bytes) -> Case:
        return good(name, notes=[named(octets) for octets in notes])

    def refused(name: str, rule: str, *notes: bytes) -> Case:
        return bad(name, rule, notes=[named(octets) for octets in notes])

    return [
        taken("number 1", one),
        taken("number 1, signed by the witness too", FIRST.signed(HARBOUR, BRAVO, ALFA)),
        taken("numbers 1 and 2", one, two),
        taken("numbers 1 to 3", one, two, third.signed(ALFA, BRAVO)),
        taken("number 1 again", one, one),
        taken("a principal steps down and signs", one, Charter(demoted, 2, FIRST.text()).signed(ALFA, BRAVO, HARBOUR)),
        refused("signed by one principal", "CHARTER-5", FIRST.signed(ALFA)),
        refused("signed by nobody that counts", "CHARTER-5", FIRST.signed(HARBOUR)),
        refused(
            "a wrong signature of the witness",
            "NOTE-3",
            note(
                FIRST.text(),
                *(ALFA.root.sign(FIRST.text()), BRAVO.root.sign(FIRST.text()), HARBOUR.root.line(bytes(64))),
            ),
        ),
        refused("number 2 first", "CHARTER-6", two),
        refused("number 3 after number 1", "CHARTER-6", one, third.signed(ALFA, BRAVO)),
        refused("number 2 signed by one principal", "CHARTER-5", one, SECOND.signed(ALFA)),
        refused(
            "a principal steps down and does not sign",
            "CHARTER-5",
            one,
            Charter(demoted, 2, FIRST.text()).signed(ALFA, HARBOUR),
        ),
        refused("number 2 amends another text", "CHARTER-6", one, Charter(FOUR, 2, "another\n").signed(ALFA, BRAVO)),
        refused("the mode changes", "CHARTER-6", one, replace(SECOND, mode="EXERCISE").signed(ALFA, BRAVO)),
        refused("the dictionary changes", "CHARTER-6", one, replace(SECOND, dictionary="").signed(ALFA, BRAVO)),
        refused(
            "the channel changes",
            "CHARTER-6",
            one,
            signed(SECOND.text().replace("abcdefgh234567aa", "abcdefgh234567ab"), ALFA, BRAVO),
        ),
        refused("parties change places", "CHARTER-6", one, moved.signed(ALFA, BRAVO)),
        refused("a party is left out", "CHARTER-6", one, gone.signed(ALFA, BRAVO)),
        refused("a root changes", "CHARTER-6", one, signed(rooted, ALFA, BRAVO)),
        refused("two charters of number 2", "CHARTER-6", one, two, other.signed(ALFA, BRAVO)),
    ]


def book_notes(named: Named) -> Cases:
    """OPEN-1, OPEN-2."""
    first = named(FIRST.signed(ALFA, BRAVO))
    fine, text = ALFA.signed_book_note(1), ALFA.book_note(1)
    other_channel = CHANNEL[:-1] + "b"
    renamed_key = vkey(f"{other_channel}/alfa/1", 1, ALFA.book(1).public)
    moved = text.replace(ALFA.book(1).vkey, renamed_key).replace(
        f'channel = "{CHANNEL}"', f'channel = "{other_channel}"'
    )
    renamed = vkey(f"{CHANNEL}/alfa/2", 1, ALFA.book(1).public)
    of_cosigner = text.replace(ALFA.book(1).vkey, vkey(f"{CHANNEL}/alfa/1", 1, BRAVO.stations[0].cosigner.public))
    of_bravo = ALFA.book_note(2).replace(ALFA.book(2).vkey, vkey(f"{CHANNEL}/alfa/2", 1, BRAVO.book(1).public))
    other = text.replace('station = "hq"', 'station = "field"')

    fewer = replace(SECOND, parties=(replace(ALFA, stations=ALFA.stations[:1]), *FOUR[1:])).signed(ALFA, BRAVO)

    def taken(name: str, *notes: bytes) -> Case:
        return good(name, charters=[first], notes=[named(octets) for octets in notes])

    def refused(name: str, rule: str, *notes: bytes) -> Case:
        return bad(name, rule, charters=[first], notes=[named(octets) for octets in notes])

    def by_alfa(changed: str) -> bytes:
        return signed(changed, ALFA)

    return [
        taken("book 1", fine),
        taken("book 1 again", fine, fine),
        taken("books of two parties and stations", fine, ALFA.signed_book_note(2, "field"), BRAVO.signed_book_note(1)),
        good(
            "a station that only an older charter names",
            charters=[first, named(fewer)],
            notes=[named(ALFA.signed_book_note(2, "field"))],
        ),
        taken("book 2 before book 1", ALFA.signed_book_note(2), fine),
        refused("signed by another root", "OPEN-1", signed(text, BRAVO)),
        refused("a wrong signature", "NOTE-3", note(text, ALFA.root.line(bytes(64)))),
        refused("another channel", "OPEN-1", by_alfa(moved)),
        refused("a key of another name", "OPEN-1", by_alfa(text.replace(ALFA.book(1).vkey, renamed))),
        refused("no party of the charter", "OPEN-1 CHARTER-4", signed(CHARLIE.book_note(1), CHARLIE)),
        refused("no station of the charter", "OPEN-1 CHARTER-4", by_alfa(text.replace('"hq"', '"bunker"'))),
        refused(
            "a key of type 4",
            "KEY-2",
            by_alfa(text.replace(ALFA.book(1).vkey, cosigner(f"{CHANNEL}/alfa/1", "x").vkey)),
        ),
        refused("book 0", "spec/3", by_alfa(text.replace("book = 1", "book = 0"))),
        refused("book 65", "spec/3", by_alfa(text.replace("book = 1", "book = 65"))),
        refused("protocol 2", "spec/3", by_alfa(text.replace("protocol = 1", "protocol = 2"))),
        refused("a key too many", "spec/3", by_alfa(text + "more = 1\n")),
        refused("the key of a cosigner", "OPEN-2", by_alfa(of_cosigner)),
        refused("the key of another book", "OPEN-2", BRAVO.signed_book_note(1), by_alfa(of_bravo)),
        refused("two notes for one book", "OPEN-2", fine, by_alfa(other)),
    ]


def sets() -> dict[str, object]:
    """The file."""
    named = Named()
    chained, booked = chains(named), book_notes(named)
    return {
        "header": HEADER,
        "cards": cards(),
        "signed_cards": signed_cards(),
        "charters": charters(),
        "notes": named.texts,
        "chains": chained,
        "book_notes": booked,
    }
