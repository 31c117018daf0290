"""vectors/notes.json: verifier keys and signed notes, KEY-1, KEY-2, KEY-5, NOTE-1 to NOTE-4."""

from vector_sets.base import (
    MADE,
    Case,
    Cases,
    Key,
    b64,
    bad,
    checkpoint,
    cosignature,
    cosigner,
    digest,
    good,
    note,
    pq_cosigner,
    seed,
    signing_key,
    vkey,
)

HEADER = {
    "title": "Verifier keys and signed notes",
    "rules": ["KEY-1", "KEY-2", "KEY-5", "NOTE-1", "NOTE-2", "NOTE-3", "NOTE-4"],
    "made": MADE + "; the list of small_order is that of libsodium, ge25519_has_small_order",
    "verified": "the same kind of notes by Go's golang.org/x/mod/sumdb/note (tests/interop); the program",
    "groups": {
        "vkeys": "`vkey` is read to `name`, `kind`, `public`, `key_id`, and written to the same text",
        "small_order": "`public` is refused as a key of types 1 and 4, and so is `vkey`",
        "parsing": "`octets` are read to `text` (in octets) and `lines` (name, key id, signature), and written to "
        "the same octets; `digest` is that of NOTE-4. `parts` instead of `octets`: each octet string so many times, "
        "one after the other",
        "verifying": "the note `octets` read with the keys `known`: `signers` are those of them that signed, in order",
    },
}

ALFA = signing_key("vectors.example/alfa", "notes alfa")
BRAVO = signing_key("vectors.example/bravo", "notes bravo")
COSIGNER = cosigner("vectors.example/bravo/hq", "notes cosigner")
PQ = pq_cosigner("vectors.example/bravo/hq-pq", "notes pq")
TEXT = "A text.\nIts second line.\n"
HEAD = checkpoint("vectors.example/log", 3, seed("notes root"))
SMALL_ORDER = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)


def key_case(name: str, key: Key) -> Case:
    """A key that is read."""
    return good(name, vkey=key.vkey, key_name=key.name, kind=key.kind, public=key.public.hex(), key_id=key.id.hex())


def key_with_plus() -> Key:
    """A key whose base64 holds a +."""
    keys = (signing_key("plus", f"notes plus {number}") for number in range(1000))
    return next(key for key in keys if key.vkey.count("+") > 2)


def vkeys() -> Cases:
    """KEY-1, KEY-2."""
    name, identity, encoded = ALFA.vkey.split("+", 2)
    public = ALFA.public
    last = encoded[:-1] + ("B" if encoded[-1] == "A" else "A")  # 33 octets fill 44 characters without a rest
    return [
        key_case("Ed25519", ALFA),
        key_case("Ed25519 cosigner", COSIGNER),
        key_case("ML-DSA-44 cosigner", PQ),
        key_case("base64 with a +", key_with_plus()),
        key_case("a name that is not ASCII", signing_key("\u0430\u043b\u044c\u0444\u0430", "notes alfa")),
        key_case("a name of 255 octets", signing_key("n" * 255, "notes alfa")),
        bad("another id", "KEY-1", vkey=f"{name}+{BRAVO.id.hex()}+{encoded}"),
        bad("the id in capitals", "KEY-1", vkey=f"{name}+{identity.upper()}+{encoded}"),
        bad("an id of 7 digits", "KEY-1", vkey=f"{name}+{identity[:7]}+{encoded}"),
        bad("another last character", "KEY-1", vkey=f"{name}+{identity}+{last}"),
        bad("base64 without padding", "KEY-1", vkey=vkey("a", 6, PQ.public).rstrip("=")),
        bad("base64 with a rest that is not zero", "KEY-1", vkey=not_canonical(PQ.vkey)),
        bad("base64url", "KEY-1", vkey="-".join(key_with_plus().vkey.rsplit("+", 1))),
        bad("no key", "KEY-1", vkey=f"{name}+{identity}+"),
        bad("no id", "KEY-1", vkey=f"{name}+{encoded}"),
        bad("a newline at the end", "KEY-1", vkey=ALFA.vkey + "\n"),
        bad("type 2", "KEY-2", vkey=vkey(name, 2, public)),
        bad("type 5", "KEY-2", vkey=vkey(name, 5, public)),
        bad("31 octets of Ed25519", "KEY-2", vkey=vkey(name, 1, public[:31])),
        bad("33 octets of Ed25519", "KEY-2", vkey=vkey(name, 4, public + b"\0")),
        bad("ML-DSA-44 of the length of Ed25519", "KEY-2", vkey=vkey(name, 6, public)),
        bad("an empty name", "KEY-1", vkey=vkey("", 1, public)),
        bad("a name with a space", "KEY-1", vkey=vkey("a b", 1, public)),
        bad("a name with U+00A0", "KEY-1", vkey=vkey("a\u00a0b", 1, public)),
        bad("a name with U+2028", "KEY-1", vkey=vkey("a\u2028b", 1, public)),
        bad("a name with a tab", "KEY-1", vkey=vkey("a\tb", 1, public)),
        bad("a name with U+007F", "KEY-1", vkey=vkey("a\x7fb", 1, public)),
        bad("a name of 256 octets", "KEY-1", vkey=vkey("n" * 256, 1, public)),
        bad("a name of 128 characters and 256 octets", "KEY-1", vkey=vkey("\u00fc" * 128, 1, public)),
    ]


def not_canonical(text: str) -> str:
    """The same octets, with a bit set that no octet holds."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    end = text.rstrip("=")
    return end[:-1] + alphabet[alphabet.index(end[-1]) | 1] + text[len(end) :]


def small_order() -> Cases:
    """KEY-5."""
    publics = [one[:62] + f"{int(one[62:], 16) | sign:02x}" for one in SMALL_ORDER for sign in (0, 0x80)]
    return [
        bad(
            f"{public[:4]}...{public[-2:]}, type {kind}",
            "KEY-5",
            kind=kind,
            public=public,
            vkey=vkey("alfa", kind, bytes.fromhex(public)),
        )
        for public in publics
        for kind in (1, 4)
    ]


def read(name: str, text: str, *lines: tuple[Key, bytes]) -> Case:
    """A note that is read."""
    octets = note(text, *(key.line(signature) for key, signature in lines))
    parsed = [[key.name, key.id.hex(), signature.hex()] for key, signature in lines]
    return good(name, octets=octets.hex(), text=text.encode().hex(), digest=digest(text).hex(), lines=parsed)


def parsing() -> Cases:
    """NOTE-1, NOTE-2, NOTE-4."""
    line = ALFA.sign(TEXT)
    whole = note(TEXT, line)
    short = Key("a", 1, ALFA.private)
    cases: list[tuple[str, str, bytes]] = [
        ("nothing", "NOTE-1", b""),
        ("no signature line", "NOTE-1", f"{TEXT}\n".encode()),
        ("no empty line", "NOTE-1", f"{TEXT}{line}".encode()),
        ("no text", "NOTE-1", f"\n{line}".encode()),
        ("no newline at the end", "NOTE-1", whole[:-1]),
        ("two newlines at the end", "NOTE-1", whole + b"\n"),
        ("a hyphen instead of the dash", "NOTE-1", whole.replace("\u2014".encode(), b"-")),
        ("two spaces after the dash", "NOTE-1", whole.replace("\u2014 ".encode(), "\u2014  ".encode())),
        ("a space at the end of the line", "NOTE-1", whole[:-1] + b" \n"),
        ("a name with a +", "KEY-1", whole.replace(b" vectors", b" vec+tors")),
        ("a tab in the text", "NOTE-1", note("A\ttext.\n", short.sign("A\ttext.\n"))),
        ("a carriage return", "NOTE-1", note("A text.\r\n", short.sign("A text.\r\n"))),
        ("a zero octet", "NOTE-1", note("A text.\0\n", short.sign("A text.\0\n"))),
        ("U+007F", "NOTE-1", note("A text.\x7f\n", short.sign("A text.\x7f\n"))),
        ("not UTF-8", "NOTE-1", b"\xff\n\n" + line.encode()),
        ("a surrogate", "NOTE-1", b"\xed\xa0\x80\n\n" + line.encode()),
        ("base64 with a rest that is not zero", "NOTE-1", f"{TEXT}\n{not_canonical(line[:-1])}\n".encode()),
        ("base64 without padding", "NOTE-1", f"{TEXT}\n{line.rstrip('=' + chr(10))}\n".encode()),
        ("a key id and no signature", "NOTE-1", note(TEXT, short.line(b""))),
        ("a key id of 3 octets", "NOTE-1", note(TEXT, f"\u2014 a {b64(bytes(3))}\n")),
    ]
    many = "".join(signing_key(f"k{number}", "notes many").line(bytes(64)) for number in range(65))
    return [
        read("one signature", TEXT, (ALFA, ALFA.private.sign(TEXT.encode()))),
        read("a text with empty lines", "\n\nA.\n\nB.\n", (ALFA, ALFA.private.sign(b"\n\nA.\n\nB.\n"))),
        read("a text that looks like a signature line", f"{line}", (BRAVO, BRAVO.private.sign(line.encode()))),
        read("a text of one newline", "\n", (ALFA, ALFA.private.sign(b"\n"))),
        read("not ASCII", "\u0442\u0435\u043a\u0441\u0442\n", (ALFA, bytes(64)), (PQ, b"\x01")),
        read("a signature of one octet, twice", TEXT, (short, b"\x00"), (short, b"\x00")),
        good("64 signatures", octets=note(TEXT, *many.splitlines(keepends=True)[:64]).hex(), signature_lines=64),
        good("262,144 octets", parts=[["61", 262_143 - len(line.encode()) - 1], [f"\n\n{line}".encode().hex(), 1]]),
        *(bad(name, rule, octets=octets.hex()) for name, rule, octets in cases),
        bad("65 signatures", "NOTE-2", octets=f"{TEXT}\n{many}".encode().hex()),
        bad(
            "262,145 octets",
            "NOTE-2",
            parts=[["61", 262_144 - len(line.encode()) - 1], [f"\n\n{line}".encode().hex(), 1]],
        ),
    ]


def verifying() -> Cases:
    """NOTE-3."""
    known = [ALFA.vkey, BRAVO.vkey]
    by_alfa, by_bravo = ALFA.sign(TEXT), BRAVO.sign(TEXT)
    blob = cosignature(COSIGNER, HEAD, 1_900_000_000)
    wrong = ALFA.line(BRAVO.private.sign(TEXT.encode()))
    longer = ALFA.line(ALFA.private.sign(TEXT.encode()) + b"\0")
    return [
        good("both known", octets=note(TEXT, by_alfa, by_bravo).hex(), known=known, signers=known),
        good("in the order of the lines", octets=note(TEXT, by_bravo, by_alfa).hex(), known=known, signers=known[::-1]),
        good("one unknown", octets=note(TEXT, by_alfa, by_bravo).hex(), known=known[1:], signers=known[1:]),
        good("nobody known", octets=note(TEXT, by_alfa).hex(), known=known[1:], signers=[]),
        good(
            "a wrong line of an unknown key",
            octets=note(TEXT, wrong, by_bravo).hex(),
            known=known[1:],
            signers=known[1:],
        ),
        good("twice by one", octets=note(TEXT, by_alfa, by_alfa).hex(), known=known, signers=known[:1]),
        good(
            "the known name with another id",
            octets=note(TEXT, Key(ALFA.name, 1, BRAVO.private).sign(TEXT)).hex(),
            known=known,
            signers=[],
        ),
        good(
            "a cosignature on a checkpoint",
            octets=note(HEAD, COSIGNER.line(blob)).hex(),
            known=[COSIGNER.vkey],
            signers=[COSIGNER.vkey],
        ),
        bad("a wrong signature", "NOTE-3", octets=note(TEXT, wrong).hex(), known=known),
        bad("a wrong signature beside a right one", "NOTE-3", octets=note(TEXT, by_bravo, wrong).hex(), known=known),
        bad("another text", "NOTE-3", octets=note("Another.\n", by_alfa).hex(), known=known),
        bad("a signature of 65 octets", "NOTE-3", octets=note(TEXT, longer).hex(), known=known),
        bad(
            "a cosignature on what is no checkpoint",
            "NOTE-3",
            octets=note(TEXT, COSIGNER.line(cosignature(COSIGNER, TEXT, 1))).hex(),
            known=[COSIGNER.vkey],
        ),
        bad("a cosignature by a key of type 1", "NOTE-3", octets=note(HEAD, ALFA.line(blob)).hex(), known=known),
    ]


def sets() -> dict[str, object]:
    """The file."""
    return {
        "header": HEADER,
        "vkeys": vkeys(),
        "small_order": small_order(),
        "parsing": parsing(),
        "verifying": verifying(),
    }
