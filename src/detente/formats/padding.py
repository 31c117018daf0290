"""The padded plaintext `p` of a sealed body: SEAL-2, SEAL-3, SEAL-4.

It keeps: a content has few possible sizes to an onlooker, `p` has no octet that is not accounted for, and nothing is
decompressed beyond the size that it states first. It does not read the content.
"""

from functools import lru_cache
from threading import get_ident
from typing import Final

import zstandard

from detente.errors import LocalMisuse, Malformed
from detente.limits import CONTENT_OCTETS_MAX, PADDED_OCTETS_MAX

RAW, ZSTD, ZSTD_WITH_DICTIONARY = range(3)  # SEAL-2

_HEAD_OCTETS: Final = 3  # coding, length
_STEP_OCTETS: Final = 32
_STEPS_TO_OCTETS: Final = 512
# For 280 octets level 5 takes 4 us; level 12 takes 15 and saves up to 8 octets, which matters where a step begins.
_LEVEL: Final = 5
_THOROUGH_LEVEL: Final = 12
_THOROUGH_SAVES_OCTETS: Final = 8
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_THREADS_MAX: Final = 16


def padded_size(octets: int) -> int:
    """SEAL-3: the smallest allowed size that holds `octets`. Raises LocalMisuse above 15,872."""
    if octets > PADDED_OCTETS_MAX:
        raise LocalMisuse(
            f"a content of {octets} octets does not fit in one entry ({PADDED_OCTETS_MAX}); send it in parts",
            rule="SEAL-3",
        )
    if octets <= _STEPS_TO_OCTETS:
        return max(-(-octets // _STEP_OCTETS), 1) * _STEP_OCTETS
    exponent = octets.bit_length() - 1  # E = floor(log2 L)
    mantissa_bits = exponent.bit_length()  # S = floor(log2 E) + 1
    unit = 1 << (exponent - mantissa_bits)
    return -(-octets // unit) * unit


def pack(content: bytes, dictionary: bytes | None) -> bytes:
    """`p` for the octets of a content, in the coding that gives the smallest size; the simplest where they are equal.

    `dictionary` is the one that the charter states, or None. Raises LocalMisuse if no coding makes the content fit.
    """
    if not 1 <= len(content) <= CONTENT_OCTETS_MAX:
        raise LocalMisuse(f"a content has 1 to {CONTENT_OCTETS_MAX} octets, not {len(content)}", rule="SEAL-4")
    coding, data, size = RAW, content, _padded_size_or_more(content)
    if size > _STEP_OCTETS:
        # zstd without the dictionary is never a step smaller than with it, and is not tried
        zstd = ZSTD if dictionary is None else ZSTD_WITH_DICTIONARY
        quick, thorough, _ = _coders(dictionary, get_ident())[zstd]
        compressed = quick.compress(content)
        if (
            len(compressed) > _STEPS_TO_OCTETS
            or (_HEAD_OCTETS + len(compressed) - 1) % _STEP_OCTETS < _THOROUGH_SAVES_OCTETS
        ):
            compressed = min(compressed, thorough.compress(content), key=len)
        if _padded_size_or_more(compressed) < size:
            coding, data = zstd, compressed
    size = padded_size(_HEAD_OCTETS + len(data))
    return (bytes((coding,)) + len(data).to_bytes(2, "big") + data).ljust(size, b"\0")


def unpack(padded: bytes, dictionary: bytes | None) -> bytes:
    """The octets of the content in `p`. Raises Malformed: SEAL-3 for the padding, SEAL-2 and SEAL-4 for the coding."""
    if not _HEAD_OCTETS <= len(padded) <= PADDED_OCTETS_MAX:
        raise Malformed(f"a padded content has at most {PADDED_OCTETS_MAX} octets", rule="SEAL-3")
    coding = padded[0]
    end = _HEAD_OCTETS + int.from_bytes(padded[1:_HEAD_OCTETS], "big")
    if end > len(padded) or len(padded) != padded_size(end):
        raise Malformed("a padded content has the smallest size that holds its data", rule="SEAL-3")
    if padded.count(0, end) != len(padded) - end:
        raise Malformed("the padding of a content is zeros", rule="SEAL-3")
    data = padded[_HEAD_OCTETS:end]
    if coding == RAW:
        return data
    if coding == ZSTD:
        return _decompress(data, coding, None)
    if coding == ZSTD_WITH_DICTIONARY:
        if dictionary is None:
            raise Malformed(
                "the content is packed with a dictionary, and the charter states none known here", rule="SEAL-2"
            )
        return _decompress(data, coding, dictionary)
    raise Malformed(f"a content has the coding 0, 1 or 2, not {coding}", rule="SEAL-2")


def _padded_size_or_more(data: bytes) -> int:
    """The padded size, or more than every allowed one."""
    octets = _HEAD_OCTETS + len(data)
    return padded_size(octets) if octets <= PADDED_OCTETS_MAX else octets


def _decompress(data: bytes, coding: int, dictionary: bytes | None) -> bytes:
    # SEAL-4: a skippable frame has another magic number, and would state its own length as content size
    if not data.startswith(_ZSTD_MAGIC):
        raise Malformed("the content is not a zstd frame", rule="SEAL-4")
    try:
        frame = zstandard.get_frame_parameters(data)
        if not 1 <= frame.content_size <= CONTENT_OCTETS_MAX:  # "unknown" is a very large number
            raise Malformed(f"a zstd frame states a content size of 1 to {CONTENT_OCTETS_MAX} octets", rule="SEAL-4")
        if frame.has_checksum or frame.dict_id:
            raise Malformed("a zstd frame has no checksum and names no dictionary", rule="SEAL-4")
        _, _, decompressor = _coders(dictionary, get_ident())[coding]
        return decompressor.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Malformed(f"the content does not decompress: {error}", rule="SEAL-4") from error


_Coder = tuple[zstandard.ZstdCompressor, zstandard.ZstdCompressor, zstandard.ZstdDecompressor]


@lru_cache(maxsize=2 * _THREADS_MAX)
def _coders(dictionary: bytes | None, _thread: int) -> dict[int, _Coder]:
    """The zstd objects of one thread (not safe to share). Made once: loading a dictionary takes milliseconds."""
    found = {ZSTD: _coder(None)}
    if dictionary is not None:
        prepared = zstandard.ZstdCompressionDict(dictionary)
        found[ZSTD_WITH_DICTIONARY] = _coder(prepared)
    return found


def _coder(dictionary: zstandard.ZstdCompressionDict | None) -> _Coder:
    quick, thorough = (
        zstandard.ZstdCompressor(
            level=level, dict_data=dictionary, write_checksum=False, write_content_size=True, write_dict_id=False
        )
        for level in (_LEVEL, _THOROUGH_LEVEL)
    )
    return quick, thorough, zstandard.ZstdDecompressor(dict_data=dictionary)
