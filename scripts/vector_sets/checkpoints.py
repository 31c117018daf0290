"""vectors/checkpoints.json: HEAD-1, RECEIPT-1, RECEIPT-2."""

from vector_sets.base import (
    MADE,
    Case,
    Cases,
    Kept,
    Key,
    b64,
    bad,
    checkpoint,
    cosignature,
    cosigned_structure,
    cosigned_text,
    cosigner,
    good,
    note,
    pq_cosigner,
    seed,
    sha256,
    signing_key,
)
from vector_sets.notes import not_canonical

HEADER = {
    "title": "Checkpoints and receipts over them",
    "rules": ["HEAD-1", "HEAD-2", "RECEIPT-1", "RECEIPT-2"],
    "made": MADE + "; ML-DSA-44 signatures are kept in random.json",
    "verified": "checkpoints of this kind by Go's sumdb, ML-DSA-44 by @noble/post-quantum (tests/interop); the program",
    "groups": {
        "texts": "`text` (in octets) is read to origin, size and root, and written to the same octets",
        "signed": "the note `octets` is a checkpoint signed by `owner`",
        "cosignatures": "`signature` (timestamp and signature, as in a signature line) by `vkey` over the checkpoint `text`; "
        "`message` is what the key signs. RECEIPT frames carry `timestamp` and the rest of `signature` apart",
    },
}
ORIGIN = "vectors.example/line-abcdefgh234567aa/alfa/1"
ROOT = seed("checkpoints root")
BOOK = signing_key(ORIGIN, "checkpoints book")
COSIGNER = cosigner("vectors.example/bravo/hq", "checkpoints cosigner")
PQ = pq_cosigner("vectors.example/bravo/hq-pq", "checkpoints pq")
TEXT = checkpoint(ORIGIN, 20_852_163, ROOT)
TIME_S = 1_900_000_000


def texts() -> Cases:
    """HEAD-1."""
    fine = [
        ("of size 1", ORIGIN, 1),
        ("of the largest size of a book", ORIGIN, 2**40 - 1),
        ("of size 0, which no owner signs", ORIGIN, 0),
        ("an origin of 255 octets", "o" * 255, 7),
        ("an origin with a space", "an origin", 7),
    ]
    encoded = b64(ROOT)
    wrong = [
        ("a leading zero", f"{ORIGIN}\n07\n{encoded}\n"),
        ("a sign", f"{ORIGIN}\n+7\n{encoded}\n"),
        ("a negative size", f"{ORIGIN}\n-7\n{encoded}\n"),
        ("hexadecimal", f"{ORIGIN}\n0x7\n{encoded}\n"),
        ("digits of another script", f"{ORIGIN}\n\u0667\n{encoded}\n"),
        ("a size of 2^63", f"{ORIGIN}\n{2**63}\n{encoded}\n"),
        ("no size", f"{ORIGIN}\n\n{encoded}\n"),
        ("no origin", f"\n7\n{encoded}\n"),
        ("an origin of 256 octets", f"{'o' * 256}\n7\n{encoded}\n"),
        ("a root of 31 octets", f"{ORIGIN}\n7\n{b64(ROOT[:31])}\n"),
        ("a root of 33 octets", f"{ORIGIN}\n7\n{b64(ROOT + bytes(1))}\n"),
        ("a root that is not canonical base64", f"{ORIGIN}\n7\n{not_canonical(encoded)}\n"),
        ("an extension line", f"{ORIGIN}\n7\n{encoded}\nextension\n"),
        ("an empty line more", f"{ORIGIN}\n7\n{encoded}\n\n"),
        ("no newline at the end", f"{ORIGIN}\n7\n{encoded}"),
        ("two lines", f"{ORIGIN}\n7\n"),
    ]
    cases = [
        good(name, text=checkpoint(origin, size, ROOT).encode().hex(), origin=origin, size=size, root=ROOT.hex())
        for name, origin, size in fine
    ]
    return cases + [bad(name, "HEAD-1", text=text.encode().hex()) for name, text in wrong]


def signed() -> Cases:
    """HEAD-2."""
    other = Key(ORIGIN, 1, COSIGNER.private)
    return [
        good("by its owner", octets=note(TEXT, BOOK.sign(TEXT)).hex(), owner=BOOK.vkey),
        bad(
            "by another key",
            "NOTE-3",
            octets=note(TEXT, BOOK.line(other.private.sign(TEXT.encode()))).hex(),
            owner=BOOK.vkey,
        ),
        bad(
            "the signature of another size",
            "NOTE-3",
            octets=note(TEXT, BOOK.sign(checkpoint(ORIGIN, 1, ROOT))).hex(),
            owner=BOOK.vkey,
        ),
        bad(
            "the signature of another root",
            "NOTE-3",
            octets=note(TEXT, BOOK.sign(checkpoint(ORIGIN, 20_852_163, sha256(ROOT)))).hex(),
            owner=BOOK.vkey,
        ),
    ]


def cosignatures(kept: Kept) -> Cases:
    """RECEIPT-2."""
    fine = cosignature(COSIGNER, TEXT, TIME_S)
    pq = kept.pq_cosignature("checkpoints pq", PQ, TEXT, TIME_S)
    renamed = Key("vectors.example/bravo/other", 6, PQ.private)
    no_head = "no checkpoint\n"
    common = {"text": TEXT.encode().hex(), "timestamp": TIME_S}

    def by(key: Key, signature: bytes, text: str = TEXT) -> Case:
        return {"vkey": key.vkey, "text": text.encode().hex(), "signature": signature.hex()}

    return [
        good("Ed25519", vkey=COSIGNER.vkey, **common, message=cosigned_text(TEXT, TIME_S).hex(), signature=fine.hex()),
        good(
            "Ed25519 at time 0",
            **by(COSIGNER, cosignature(COSIGNER, TEXT, 0)),
            timestamp=0,
            message=cosigned_text(TEXT, 0).hex(),
        ),
        good(
            "Ed25519 at time 2^63 - 1",
            **by(COSIGNER, cosignature(COSIGNER, TEXT, 2**63 - 1)),
            timestamp=2**63 - 1,
            message=cosigned_text(TEXT, 2**63 - 1).hex(),
        ),
        good(
            "ML-DSA-44",
            vkey=PQ.vkey,
            **common,
            message=cosigned_structure(PQ.name, TEXT, TIME_S).hex(),
            signature=pq.hex(),
        ),
        bad("time 2^63", "RECEIPT-2", **by(COSIGNER, cosignature(COSIGNER, TEXT, 2**63))),
        bad("another time", "RECEIPT-2", **by(COSIGNER, (TIME_S + 1).to_bytes(8, "big") + fine[8:])),
        bad("another size", "RECEIPT-2", **by(COSIGNER, fine, checkpoint(ORIGIN, 1, ROOT))),
        bad("another root", "RECEIPT-2", **by(COSIGNER, fine, checkpoint(ORIGIN, 20_852_163, sha256(ROOT)))),
        bad("another key", "RECEIPT-2", **by(Key(COSIGNER.name, 4, BOOK.private), fine)),
        bad(
            "a signature of the text alone",
            "RECEIPT-2",
            **by(COSIGNER, fine[:8] + COSIGNER.private.sign(TEXT.encode())),
        ),
        bad("one octet less", "RECEIPT-2", **by(COSIGNER, fine[:-1])),
        bad("one octet more", "RECEIPT-2", **by(COSIGNER, fine + b"\0")),
        bad("the time alone", "RECEIPT-2", **by(COSIGNER, fine[:8])),
        bad("by a key of type 1", "RECEIPT-2", **by(BOOK, cosignature(BOOK, TEXT, TIME_S))),
        bad("over what is no checkpoint", "RECEIPT-1", **by(COSIGNER, cosignature(COSIGNER, no_head, TIME_S), no_head)),
        bad("ML-DSA-44 at another time", "RECEIPT-2", **by(PQ, bytes(8) + pq[8:])),
        bad("ML-DSA-44 of another name", "RECEIPT-2", **by(renamed, pq)),
        bad("ML-DSA-44 of another root", "RECEIPT-2", **by(PQ, pq, checkpoint(ORIGIN, 20_852_163, sha256(ROOT)))),
    ]


def sets(kept: Kept) -> dict[str, object]:
    """The file."""
    return {"header": HEADER, "texts": texts(), "signed": signed(), "cosignatures": cosignatures(kept)}
