"""vectors/padding.json: SEAL-2 to SEAL-4, the padded plaintext p."""

import struct
from pathlib import Path

import zstandard
from vector_sets.base import MADE, Case, Cases, Kept, bad, cbor, good, in_parts, sha256

HEADER = {
    "title": "The padded plaintext of sealed bodies, and its sizes",
    "rules": ["SEAL-2", "SEAL-3", "SEAL-4", "SEAL-6"],
    "made": MADE + "; zstd frames by zstandard, kept in random.json (another version may compress otherwise)",
    "verified": "RFC 8878 decoders; the program",
    "groups": {
        "sizes": "all allowed sizes of p in order, each with the largest 3 + length that it holds, which is itself",
        "dictionary": "the zstd dictionary of coding 2 that stations of protocol 1 know, and its SHA-256",
        "padded": "`p` is read to `content` with the dictionary, or none if `dictionary` is false "
        "(of a long content its length and SHA-256 are given); `reason` is that of SEAL-6. "
        "`parts` instead of `p`: each octet string so many times, one after the other",
    },
}
P_OCTETS_MAX = 15_872
DICTIONARY = (Path(__file__).parents[2] / "src" / "detente" / "formats" / "message.dict").read_bytes()


def padded_size(octets: int) -> int:
    """SEAL-3, as it is written there."""
    if octets <= 512:
        return -(-octets // 32) * 32
    exponent = octets.bit_length() - 1
    bits = exponent.bit_length()
    step = 2 ** (exponent - bits)
    return -(-octets // step) * step


def padded(coding: int, data: bytes) -> bytes:
    """SEAL-2: p."""
    octets = bytes([coding]) + len(data).to_bytes(2, "big") + data
    return octets.ljust(padded_size(len(octets)), b"\0")


def zstd(kept: Kept, name: str, content: bytes, *, dictionary: bool = False) -> bytes:
    """A zstd frame as SEAL-4 wants it."""
    known = zstandard.ZstdCompressionDict(DICTIONARY) if dictionary else None

    def fits(frame: bytes) -> bool:
        try:
            return zstandard.ZstdDecompressor(dict_data=known).decompress(frame) == content
        except zstandard.ZstdError:
            return False

    def make() -> bytes:
        compressor = zstandard.ZstdCompressor(level=12, dict_data=known, write_checksum=False, write_dict_id=False)
        return compressor.compress(content)

    return kept.get(f"zstd {name}", fits, make)


def message(text: str) -> bytes:
    """A content (READ-1)."""
    return cbor({"form": "message", "lang": "en", "text": text})


def stored(content: bytes, descriptor: int, size: bytes, trailer: bytes = b"") -> bytes:
    """A zstd frame of raw blocks (RFC 8878, 3.1.1) whose header is given as it is."""
    blocks = [content[at : at + 65_536] for at in range(0, len(content), 65_536)] or [b""]
    body = b"".join(
        struct.pack("<I", len(one) << 3 | (at == len(blocks) - 1))[:3] + one for at, one in enumerate(blocks)
    )
    return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + size + body + trailer


def fine(kept: Kept) -> Cases:
    """What is read."""
    short, long = message("Line check."), message("We have stopped at the agreed line and hold there. " * 30)
    odd = cbor({"form": "message", "text": "a" * 473})
    large = message("0123456789abcdef" * 4094).ljust(65_536, b"a")
    frame, with_dictionary = zstd(kept, "long", long), zstd(kept, "short", short, dictionary=True)
    cases = [
        ("coding 0", padded(0, short), short),
        ("coding 0 that fills p", padded(0, odd[:509]), odd[:509]),
        ("coding 0 of one octet", padded(0, b"\xa0"), b"\xa0"),
        ("coding 0, the largest p", padded(0, bytes(P_OCTETS_MAX - 3)), bytes(P_OCTETS_MAX - 3)),
        ("coding 1", padded(1, frame), long),
        ("coding 1 of a content that coding 0 holds", padded(1, zstd(kept, "plain", short)), short),
        ("coding 1 of raw blocks", padded(1, stored(short, 0x20, bytes([len(short)]))), short),
        ("coding 1 to 65,536 octets", padded(1, zstd(kept, "large", large)), large),
        ("coding 2", padded(2, with_dictionary), short),
        ("coding 2 of a frame that needs no dictionary", padded(2, frame), long),
    ]
    found: Cases = []
    for name, p, content in cases:
        fields: Case = {**in_parts(p, "p"), "dictionary": True}
        long_one = {"content_octets": len(content), "content_sha256": sha256(content).hex()}
        fields |= {"content": content.hex()} if len(content) < 5_000 else long_one
        found.append(good(name, **fields))
    return found


def wrong(kept: Kept) -> Cases:
    """What is refused."""
    short = message("Line check.")
    p = padded(0, short)
    size = bytes([len(short)])
    frame = stored(short, 0x20, size)
    checksum = bytes.fromhex("00000000")
    at_end = p[:-1] + b"\x01"
    cases: list[tuple[str, str, bytes]] = [
        ("nothing", "SEAL-3", b""),
        ("two octets", "SEAL-3", p[:2]),
        ("31 octets", "SEAL-3", padded(0, b"\xa0")[:31]),
        ("33 octets", "SEAL-3", padded(0, b"\xa0") + bytes(1)),
        ("32 octets more than needed", "SEAL-3", p + bytes(32)),
        ("a length beyond p", "SEAL-3", p[:1] + b"\xff\xff" + p[3:]),
        ("a length that wants another size", "SEAL-3", p[:1] + b"\x00\x01" + p[3:]),
        ("padding that is not zero", "SEAL-3", at_end),
        ("a size that Padme does not have", "SEAL-3", padded(0, bytes(600)) + bytes(1)),
        (
            "p above its maximum",
            "SEAL-3",
            bytes([0]) + (P_OCTETS_MAX - 2).to_bytes(2, "big") + bytes(P_OCTETS_MAX - 2 + 511),
        ),
        ("coding 3", "SEAL-2", padded(3, short)),
        ("coding 255", "SEAL-2", padded(255, short)),
        ("coding 1 of no data", "SEAL-4", padded(1, b"")),
        ("coding 1 of what is no zstd", "SEAL-4", padded(1, short)),
        ("zstd without a content size", "SEAL-4", padded(1, stored(short, 0x00, b"\x58"))),
        ("zstd with a checksum", "SEAL-4", padded(1, stored(short, 0x24, size, checksum))),
        ("zstd with a dictionary id", "SEAL-4", padded(2, stored(short, 0x21, b"\x07" + size))),
        ("zstd that states another size", "SEAL-4", padded(1, stored(short, 0x20, bytes([len(short) + 1])))),
        ("zstd that states a smaller size", "SEAL-4", padded(1, stored(short, 0x20, bytes([len(short) - 1])))),
        ("zstd of no octets", "SEAL-4", padded(1, stored(b"", 0x20, b"\x00"))),
        ("zstd that states 65,537 octets", "SEAL-4", padded(1, stored(short, 0xA0, struct.pack("<I", 65_537)))),
        ("zstd cut off", "SEAL-4", padded(1, frame[:-1])),
        ("zstd with an octet after it", "SEAL-4", padded(1, frame + b"\0")),
        ("two zstd frames", "SEAL-4", padded(1, frame + frame)),
        ("a skippable frame first", "SEAL-4", padded(1, b"\x50\x2a\x4d\x18" + bytes(4) + frame)),
        ("a skippable frame after it", "SEAL-4", padded(1, frame + b"\x50\x2a\x4d\x18" + bytes(4))),
    ]
    reasons = {"SEAL-3": "padding", "SEAL-2": "coding", "SEAL-4": "coding"}
    found = [
        bad(name, rule, **in_parts(octets, "p"), dictionary=True, reason=reasons[rule]) for name, rule, octets in cases
    ]
    bomb = zstd(kept, "a bomb", bytes(1_000_000))
    found.append(bad("a zstd bomb", "SEAL-4", p=padded(1, bomb).hex(), dictionary=True, reason="coding"))
    p2 = padded(2, zstd(kept, "short again", short, dictionary=True))
    found.append(bad("coding 2 without a dictionary", "SEAL-2", p=p2.hex(), dictionary=False, reason="coding"))
    return found


def sets(kept: Kept) -> dict[str, object]:
    """The file."""
    sizes = sorted({padded_size(octets) for octets in range(1, P_OCTETS_MAX + 1)})
    return {
        "header": HEADER,
        "sizes": sizes,
        "dictionary": {"octets": DICTIONARY.hex(), "sha256": sha256(DICTIONARY).hex()},
        "padded": fine(kept) + wrong(kept),
    }
