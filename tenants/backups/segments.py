"""Segments of the write-ahead log: their names and order, and what the first page of one says of it."""

import re
import struct
from collections.abc import Iterable
from typing import Final

from tenants.backups.errors import BackupBroken, WalMissing

SEGMENT: Final = re.compile(r"^[0-9A-F]{24}$")
# Segments, the history of timelines, and the marks of backups: what an archive_command is given.
ARCHIVED: Final = re.compile(r"^([0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history)$")
BYTES_OF_A_LOG: Final = 0x1_0000_0000
# XLogLongPageHeaderData: magic, info, timeline, address, bytes left of a record, (padding), the server's identifier,
# segment size, page size; as the server's machine writes numbers.
HEADER: Final = struct.Struct("=HHIQI4xQII")
HEADER_BYTES: Final = HEADER.size
# Its last byte counts up with PostgreSQL's versions.
MAGIC: Final = 0xD1
IS_LONG: Final = 0x0002


def parse_lsn(lsn: str) -> int:
    """A position as PostgreSQL writes it (``0/3000028``) as a number of bytes."""
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def segment_of(lsn: str, timeline: int, segment_bytes: int) -> str:
    """The name of the segment that holds a position."""
    return segment_at(parse_lsn(lsn) // segment_bytes, timeline, segment_bytes)


def segment_at(index: int, timeline: int, segment_bytes: int) -> str:
    """The name of the segment at a place in the sequence."""
    per_log = BYTES_OF_A_LOG // segment_bytes
    return f"{timeline:08X}{index // per_log:08X}{index % per_log:08X}"


def segment_index(name: str, segment_bytes: int) -> int:
    """The place of a segment in the sequence, whatever its timeline."""
    return int(name[8:16], 16) * (BYTES_OF_A_LOG // segment_bytes) + int(name[16:24], 16)


def timeline_of(name: str) -> int:
    """The timeline a segment is of."""
    return int(name[:8], 16)


def require_unbroken(segments: Iterable[str], *, first: str, last: str | None, segment_bytes: int) -> None:
    """See that the log goes on without a hole from ``first`` to ``last`` (None: to the newest there is).

    Raises: WalMissing with the first place that is missing.
    """
    there = {segment_index(name, segment_bytes) for name in segments}
    start = segment_index(first, segment_bytes)
    end = segment_index(last, segment_bytes) if last else max(there, default=start)
    for index in range(start, end + 1):
        if index not in there:
            name = segment_at(index, timeline_of(first), segment_bytes)
            raise WalMissing(f"The segment {name} of the write-ahead log is not in the repository.")


def check_header(head: bytes, name: str, segment_bytes: int) -> None:
    """See by a segment's first bytes that it is one of the log, of this size, and at the place its name says.

    Raises: BackupBroken.
    """
    if len(head) < HEADER_BYTES:
        raise BackupBroken(f"{name} is cut short.")
    magic, info, timeline, address, _, _, size, _ = HEADER.unpack_from(head)
    if magic >> 8 != MAGIC or not info & IS_LONG:
        raise BackupBroken(f"{name} is not a segment of a write-ahead log.")
    # A timeline's first segment begins with pages of the one before.
    if address != segment_index(name, segment_bytes) * segment_bytes or timeline > timeline_of(name):
        raise BackupBroken(f"{name} holds another segment's pages.")
    if size != segment_bytes:
        raise BackupBroken(f"{name} is of a server whose segments have {size} bytes, not {segment_bytes}.")
