"""Durable files for the store, the anchor and the keys. Its law: what is told to be written survives a power cut.

A file's octets are synced before its name exists, and its name is synced before anybody is told (POSIX rename, then
fsync of the directory). Errors of the system become StoreFault or StoreFull, with what to do.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detente.errors import StoreFault, StoreFull

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into StoreFull or StoreFault."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(f"{path}: the disk is full; nothing was written. Make room, then go on") from error
        if error.errno in _NOT_ALLOWED:
            advice = "let this user write the file and its directory, or give another place"
        elif error.errno == errno.ENOENT:
            advice = "make the directory first, or give another place"
        else:
            advice = "the medium may be failing; stop, check it, then start again and read what is there"
        raise StoreFault(f"{path}: {error.strerror}; {advice}") from error


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_at(descriptor: int, octets: bytes, offset: int) -> None:
    """Write all of `octets` at `offset`. Raises OSError; then a part may have been written."""
    while octets:
        count = os.pwrite(descriptor, octets, offset)
        octets, offset = octets[count:], offset + count


def write_file(path: Path, octets: bytes) -> None:
    """Put a file of mode 0600 at `path`, whole or not at all, durable when this returns. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_at(descriptor, octets, 0)
        os.fsync(descriptor)
    except OSError:
        temporary.unlink()
        raise
    finally:
        os.close(descriptor)
    temporary.rename(path)
    sync_directory(path.parent)
