"""The padded plaintext of a sealed body as in spec/5-sealing.md (SEAL-2 to SEAL-4): sizes, codings, zstd frames."""

from __future__ import annotations

import zstandard

from tests.reference.refusal import Refusal, require

MAXIMUM_PLAINTEXT = 15_872  # SEAL-3
MAXIMUM_CONTENT = 65_536  # SEAL-4
RAW, ZSTD, ZSTD_WITH_DICTIONARY = 0, 1, 2  # SEAL-2
ZSTD_MAGIC = bytes.fromhex("28b52ffd")
CONTENT_SIZE_WIDTHS = {0: 1, 1: 2, 2: 4, 3: 8}  # RFC 8878, 3.1.1.1.1; 0 only in a single segment
BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED = 0, 1, 2


def padded_size(length: int) -> int:
    """Return the smallest allowed size that holds `length` octets, the 3 of the head among them (SEAL-3)."""
    if length <= 512:
        return -(-length // 32) * 32
    exponent = length.bit_length() - 1  # floor(log2 L)
    kept = exponent.bit_length()  # floor(log2 E) + 1
    step = 1 << (exponent - kept)
    return -(-length // step) * step


def unpad(plaintext: bytes) -> tuple[int, bytes]:
    """Take the padding off and return coding and data (SEAL-2, SEAL-3)."""
    require(len(plaintext) >= 3, "SEAL-3", "a plaintext of fewer than 3 octets")
    require(len(plaintext) <= MAXIMUM_PLAINTEXT, "SEAL-3", "a plaintext of more than 15,872 octets")
    stop = 3 + int.from_bytes(plaintext[1:3], "big")
    require(padded_size(stop) == len(plaintext), "SEAL-3", "a size that is not the smallest that holds the data")
    require(not any(plaintext[stop:]), "SEAL-3", "padding that is not zero")
    return plaintext[0], plaintext[3:stop]


def content_of(plaintext: bytes, dictionary: bytes | None) -> bytes:
    """Return the octets of the content in a padded plaintext (SEAL-2 to SEAL-4)."""
    coding, data = unpad(plaintext)
    if coding == RAW:
        return data
    require(coding in (ZSTD, ZSTD_WITH_DICTIONARY), "SEAL-2", "a coding that is not 0, 1 or 2")
    if coding == ZSTD:
        return _decompress(data, None)
    if dictionary is None:
        raise Refusal("SEAL-2", "a dictionary that is not there")
    return _decompress(data, dictionary)


def _decompress(frame: bytes, dictionary: bytes | None) -> bytes:
    """Decompress exactly one frame that SEAL-4 allows."""
    size = check_zstd_frame(frame)
    if dictionary is None:
        decompressor = zstandard.ZstdDecompressor()
    else:
        prepared = zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_FULLDICT)
        decompressor = zstandard.ZstdDecompressor(dict_data=prepared)
    try:
        content = decompressor.decompress(frame, max_output_size=size)
    except zstandard.ZstdError as error:
        raise Refusal("SEAL-4", "a zstd frame that does not decompress") from error
    require(len(content) == size, "SEAL-4", "a zstd frame that holds another size than it states")
    return content


def check_zstd_frame(frame: bytes) -> int:
    """Walk over one frame, RFC 8878, 3.1.1, by its heads alone; return the content size that it states (SEAL-4)."""
    require(frame[:4] == ZSTD_MAGIC and len(frame) > 5, "SEAL-4", "not a zstd frame")
    descriptor = frame[4]
    size_flag, single_segment = descriptor >> 6, descriptor >> 5 & 1
    require(descriptor & 0b1000 == 0, "SEAL-4", "a zstd frame with a reserved bit")
    require(descriptor & 0b100 == 0, "SEAL-4", "a zstd frame with a checksum")
    require(descriptor & 0b11 == 0, "SEAL-4", "a zstd frame with a dictionary id")
    require(size_flag != 0 or single_segment == 1, "SEAL-4", "a zstd frame without a content size")
    position = 5 if single_segment else 6  # behind the window descriptor
    width = CONTENT_SIZE_WIDTHS[size_flag]
    require(position + width <= len(frame), "SEAL-4", "a zstd frame that is cut off")
    size = int.from_bytes(frame[position : position + width], "little") + (256 if width == 2 else 0)
    require(1 <= size <= MAXIMUM_CONTENT, "SEAL-4", "a zstd frame that states a size out of range")
    end = _end_of_blocks(frame, position + width)
    require(end == len(frame), "SEAL-4", "octets after the zstd frame")
    return size


def _end_of_blocks(frame: bytes, position: int) -> int:
    """Return where the last block ends, RFC 8878, 3.1.1.2."""
    last = False
    while not last:
        require(position + 3 <= len(frame), "SEAL-4", "a zstd frame that is cut off")
        head = int.from_bytes(frame[position : position + 3], "little")
        last, kind, size = head & 1 == 1, head >> 1 & 3, head >> 3
        require(kind in (BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED), "SEAL-4", "a zstd block of a reserved type")
        position += 3 + (1 if kind == BLOCK_RLE else size)
    require(position <= len(frame), "SEAL-4", "a zstd frame that is cut off")
    return position
