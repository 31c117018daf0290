"""vectors/sealing.json: epochs, wraps and sealed bodies (spec/5)."""

from typing import Any

from vector_sets.base import MADE, Case, Cases, Kept, bad, cbor, good, hmac, seed, sha256
from vector_sets.padding import padded, stored, zstd
from vector_sets.record import (
    SEALED,
    ReaderKey,
    check_of,
    commitment,
    message_key,
    origin_of,
    seal_key,
    sealed_with,
    wrap_info,
)
from vector_sets.world import CHANNEL

HEADER = {
    "title": "Epochs, wraps and sealed bodies",
    "rules": ["EPOCH-3", "EPOCH-5", "EPOCH-6", "KEY-4", "SEAL-1", "SEAL-2", "SEAL-4", "SEAL-5", "SEAL-6"],
    "made": MADE + "; HPKE by pyca cryptography, kept in random.json; secrets and private keys are SHA-256 of labels",
    "verified": "the program; each wrap is opened and each p decompressed when the file is made",
    "groups": {
        "checks": "EPOCH-3: from the epoch's `secret`, its `origin` and `index`; `input` is what HMAC authenticates",
        "reader_keys": "`public` (KEY-4) follows from `private`: the ML-KEM-768 seed d and z (64 octets, FIPS 203), then the "
        "X25519 private key (32). `digest` is its name, SHA-256. A bad one cannot be wrapped to (EPOCH-6)",
        "wraps": "EPOCH-5, EPOCH-6: the holder of `private` (name of a reader key) opens `wrap`, which the entry `index` of "
        "`origin` on `channel` holds for the book `reader`, with that `audience` and `check`, to `secret`; `info` is the HPKE "
        "info. A bad one gives `reason` (SEAL-6)",
        "epochs": "EPOCH-4, EPOCH-6, SEAL-6: a station of bravo, alone of its party, reads the keys entry 1 of alfa's book 1 "
        'with `audience`, `check` and `wraps`: [reader, key index, wrap], the wrap a name in wraps, or "zeros" for 1,168 '
        "zero octets. `published`: the HPKE keys in bravo's books, as [origin, index, name of a reader key]; the station has the "
        "private half of each. It gets `secret`, or gives `reason`, or neither (both null): the epoch is not meant for it",
        "messages": "SEAL-1: from `secret`, `origin`, `epoch`, `index` and `h` (in CBOR) follow mk, and with `p` c, ek and "
        "`body`; `content` is what p holds (SEAL-2 to SEAL-5), with the dictionary of padding.json where p has coding 2",
        "bodies": "SEAL-1, SEAL-6: `body`, of the entry `index` of `origin` with `h`, is opened with `mk` to `content`, or gives "
        "`reason`. The dictionary of padding.json is there if `dictionary` is true",
    },
}
ORIGIN = origin_of("alfa", 1)
READER = origin_of("bravo", 1)
AUDIENCE = ["alfa", "bravo"]
SECRET = seed("sealing secret")
BRAVO_KEY, OTHER_KEY = ReaderKey("sealing bravo"), ReaderKey("sealing other")
CONTENT: dict[str, Any] = {"form": "message", "to": ["bravo"], "lang": "en", "text": "Line check."}
SMALL_X25519 = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"  # order 8, RFC 7748 and others


def checks() -> Cases:
    """EPOCH-3."""
    places = [(ORIGIN, 1), (ORIGIN, 24), (READER, 1), (ORIGIN, 2**40 - 1)]
    return [
        good(
            f"{origin.removeprefix(CHANNEL)} {index}",
            secret=SECRET.hex(),
            origin=origin,
            index=index,
            input=cbor(["detente/1 epoch", origin, index]).hex(),
            check=check_of(SECRET, origin, index).hex(),
        )
        for origin, index in places
    ]


def reader_keys() -> Cases:
    """KEY-4, EPOCH-6."""
    large = b"\xff\xff\xff" + BRAVO_KEY.public[3:]
    small, zero = (BRAVO_KEY.public[:1184] + bytes.fromhex(point) for point in (SMALL_X25519, "00" * 32))
    cases = [
        good(name, private=key.private.hex(), public=key.public.hex(), digest=sha256(key.public).hex())
        for name, key in (("bravo", BRAVO_KEY), ("other", OTHER_KEY))
    ]
    return [
        *cases,
        bad("ML-KEM coefficients above q", "KEY-4", public=large.hex()),
        bad("an X25519 key of order 8", "KEY-4", public=small.hex()),
        bad("an X25519 key of zeros", "KEY-4", public=zero.hex()),
    ]


def wraps(kept: Kept) -> Cases:
    """EPOCH-5, EPOCH-6."""
    check = check_of(SECRET, ORIGIN, 1)
    info = wrap_info((ORIGIN, 1), AUDIENCE, READER, BRAVO_KEY, check)
    fine = BRAVO_KEY.wrap(kept, "sealing", SECRET, info)
    other_check = check_of(seed("another secret"), ORIGIN, 1)
    info_of_other = wrap_info((ORIGIN, 1), AUDIENCE, READER, BRAVO_KEY, other_check)
    wrong = BRAVO_KEY.wrap(kept, "sealing wrong check", SECRET, info_of_other)
    place = {
        "channel": CHANNEL,
        "origin": ORIGIN,
        "index": 1,
        "audience": AUDIENCE,
        "reader": READER,
        "private": "bravo",
    }
    place |= {"check": check.hex(), "wrap": fine.hex()}

    def closed(name: str, reason: str = "wrap does not open", **changes: Any) -> Case:  # noqa: ANN401 any field
        return bad(name, "EPOCH-5 EPOCH-6 SEAL-6", **{**place, **changes}, reason=reason)

    def flipped(at: int) -> str:
        return (fine[:at] + bytes([fine[at] ^ 1]) + fine[at + 1 :]).hex()

    return [
        good("for bravo", **place, info=info.hex(), secret=SECRET.hex()),
        closed("another key", private="other"),
        closed("another channel", channel=CHANNEL[:-1] + "b"),
        closed("another book", origin=origin_of("alfa", 2)),
        closed("another index", index=2),
        closed("another audience", audience=["alfa", "bravo", "charlie"]),
        closed("the audience in another order", audience=["bravo", "alfa"]),
        closed("another reader", reader=origin_of("bravo", 2)),
        closed("another check", check=other_check.hex()),
        closed("a bit of the ML-KEM ciphertext", wrap=flipped(0)),
        closed("a bit of the X25519 key", wrap=flipped(1088)),
        closed("a bit of the secret", wrap=flipped(1120)),
        closed("a bit of the tag", wrap=flipped(1167)),
        closed("the secret of another check", "check fails", check=other_check.hex(), wrap=wrong.hex()),
    ]


def epochs() -> Cases:
    """EPOCH-4, EPOCH-6, SEAL-6."""
    check = check_of(SECRET, ORIGIN, 1)
    fine, wrong, zeros = "for bravo", "the secret of another check", "zeros"
    second = origin_of("bravo", 2)
    both = [[READER, 0, "bravo"], [READER, 4, "other"]]
    cases: list[tuple[str, list[list[Any]], list[list[Any]], str]] = [
        ("a wrap for its key", both, [[READER, 0, fine]], ""),
        ("a wrap among others", both, [[origin_of("charlie", 1), 0, zeros], [READER, 0, fine]], ""),
        ("a wrap for a key that it does not have comes first", both, [[READER, 7, zeros], [READER, 0, fine]], ""),
        (
            "the first wrap that names a key of its own counts",
            both,
            [[READER, 4, zeros], [READER, 0, fine]],
            "wrap does not open",
        ),
        ("no wraps", both, [], "no wrap for this station"),
        ("wraps for others", both, [[origin_of("charlie", 1), 0, zeros]], "no wrap for this station"),
        ("a wrap for an index without a key", both, [[READER, 1, fine]], "no wrap for this station"),
        ("a wrap for another key of its own", both, [[READER, 4, fine]], "wrap does not open"),
        (
            "a wrap that names another book of its own",
            [[second, 0, "bravo"]],
            [[second, 0, fine]],
            "wrap does not open",
        ),
    ]
    place: Case = {"audience": AUDIENCE, "check": check.hex()}
    found = [
        good(
            name, **place, published=keys, wraps=wraps_, secret=None if reason else SECRET.hex(), reason=reason or None
        )
        for name, keys, wraps_, reason in cases
    ]
    other = {**place, "check": check_of(seed("another secret"), ORIGIN, 1).hex()}
    found.append(
        good(
            "the secret of another check",
            **other,
            published=both,
            wraps=[[READER, 0, wrong]],
            secret=None,
            reason="check fails",
        )
    )
    alone = {**place, "audience": ["alfa"]}
    found.append(good("not meant for it", **alone, published=both, wraps=[[READER, 0, fine]], secret=None, reason=None))
    return found


def messages(kept: Kept) -> Cases:
    """SEAL-1."""
    short = cbor(CONTENT)
    long = cbor({**CONTENT, "text": "We hold at the agreed line. " * 40})
    view = seed("sealing view")
    cases: list[tuple[str, int, list[Any], bytes, bytes]] = [
        ("coding 0", 2, [SEALED, 1_900_000_000_000, 0, 1, [0, 3, 0], view], padded(0, short), short),
        (
            "coding 1",
            3,
            [SEALED, 1_900_000_060_000, 3, 1, [0, 3, 0], view],
            padded(1, zstd(kept, "sealing long", long)),
            long,
        ),
        (
            "coding 2, several books of one party",
            300,
            [SEALED, 2**48 - 1, 1, 24, [0, [70_000, 4], 1], view],
            padded(2, zstd(kept, "sealing short", short, dictionary=True)),
            short,
        ),
    ]
    return [message(*case) for case in cases]


def message(name: str, index: int, h: list[Any], p: bytes, content: bytes) -> Case:
    """One sealed body with everything on its way."""
    epoch = h[3]
    mk = message_key(SECRET, ORIGIN, epoch, index)
    c = commitment(mk, ORIGIN, index, h, p)
    return good(
        name,
        secret=SECRET.hex(),
        origin=ORIGIN,
        epoch=epoch,
        index=index,
        h=cbor(h).hex(),
        p=p.hex(),
        mk=mk.hex(),
        c=c.hex(),
        ek=seal_key(mk, c).hex(),
        body=sealed_with(mk, c, p).hex(),
        content=content.hex(),
    )


def bodies(kept: Kept) -> Cases:
    """SEAL-6: each reason, the first that applies."""
    h: list[Any] = [SEALED, 1_900_000_000_000, 0, 1, [0, 3, 0], seed("sealing view")]
    mk = message_key(SECRET, ORIGIN, 1, 2)
    p = padded(0, cbor(CONTENT))
    c = commitment(mk, ORIGIN, 2, h, p)
    body = sealed_with(mk, c, p)
    place = {"origin": ORIGIN, "index": 2, "h": cbor(h).hex(), "mk": mk.hex(), "dictionary": True}

    def of(plain: bytes) -> bytes:
        return sealed_with(mk, commitment(mk, ORIGIN, 2, h, plain), plain)

    def closed(name: str, reason: str, octets: bytes, **changes: Any) -> Case:  # noqa: ANN401 any field
        rules = {"padding": "SEAL-3", "coding": "SEAL-2 SEAL-4", "content": "SEAL-5 READ-1 CBOR-1 CBOR-2 CBOR-3"}
        return bad(
            name, f"SEAL-6 {rules.get(reason, 'SEAL-1')}", body=octets.hex(), **{**place, **changes}, reason=reason
        )

    def flipped(at: int) -> bytes:
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]

    other_c = hmac(mk, b"anything")
    later = cbor([*h[:1], h[1] + 1, *h[2:]]).hex()
    more = cbor([*h[:4], [0, 4, 0], h[5]]).hex()
    viewed = cbor([*h[:5], bytes(32)]).hex()
    compressed = padded(2, zstd(kept, "sealing short again", cbor(CONTENT), dictionary=True))
    bomb = padded(1, stored(b"", 0xA0, (65_537).to_bytes(4, "little")))
    return [
        good("opens", body=body.hex(), **place, content=cbor(CONTENT).hex()),
        good("opens with the dictionary", body=of(compressed).hex(), **place, content=cbor(CONTENT).hex()),
        closed("the mk of another entry", "does not open", body, mk=message_key(SECRET, ORIGIN, 1, 3).hex()),
        closed("the mk of another epoch", "does not open", body, mk=message_key(SECRET, ORIGIN, 0, 2).hex()),
        closed("the mk of another book", "does not open", body, mk=message_key(SECRET, READER, 1, 2).hex()),
        closed("a bit of c", "does not open", flipped(0)),
        closed("a bit of the ciphertext", "does not open", flipped(32)),
        closed("a bit of the tag", "does not open", flipped(len(body) - 1)),
        closed("the last octet missing", "does not open", body[:-1]),
        closed("an octet more", "does not open", body + b"\0"),
        closed("47 octets", "does not open", body[:47]),
        closed("one octet", "does not open", b"\0"),
        closed("a c that commits to nothing", "commitment fails", sealed_with(mk, other_c, p)),
        closed("the header says another time", "commitment fails", body, h=later),
        closed("the header counts more", "commitment fails", body, h=more),
        closed("the header has another view", "commitment fails", body, h=viewed),
        closed("read at another index", "commitment fails", body, index=3),
        closed("read in another book", "commitment fails", body, origin=READER),
        closed("an empty p", "padding", of(b"")),
        closed("p too long", "padding", of(p + bytes(32))),
        closed("padding that is not zero", "padding", of(p[:-1] + b"\x01")),
        closed("padding before coding", "padding", of(b"\x09" + p[1:-1] + b"\x01")),
        closed("coding 3", "coding", of(b"\x03" + p[1:])),
        closed("no zstd frame", "coding", of(padded(1, cbor(CONTENT)))),
        closed("a content above 65,536 octets", "coding", of(bomb)),
        closed("coding 2 without the dictionary", "coding", of(compressed), dictionary=False),
        closed("no CBOR", "content", of(padded(0, b"\xff"))),
        closed("no octets", "content", of(padded(0, b""))),
        closed("CBOR that is no map", "content", of(padded(0, cbor(["message"])))),
        closed("a content without a form", "content", of(padded(0, cbor({"text": "a"})))),
        closed("a content with an octet after it", "content", of(padded(0, cbor(CONTENT) + b"\0"))),
    ]


def sets(kept: Kept) -> dict[str, object]:
    """The file."""
    return {
        "header": HEADER,
        "checks": checks(),
        "reader_keys": reader_keys(),
        "wraps": wraps(kept),
        "epochs": epochs(),
        "messages": messages(kept),
        "bodies": bodies(kept),
    }
