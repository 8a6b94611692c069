"""Looking up TXT records: asks the system's name servers and believes only an answer to its own question."""

import ipaddress
import secrets
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

type TxtResolver = Callable[[str], Sequence[str]]

_TXT: Final = 16
_IN: Final = 1
_TIMEOUT_SECONDS: Final = 3.0
_MOST_BYTES: Final = 16 * 1024
_MOST_RECORDS: Final = 100
_NO_SUCH_NAME: Final = 3


class LookupFailed(Exception):
    """No name server gave a usable answer; the text is a sentence for a person."""


def txt_records(name: str, *, servers: Sequence[tuple[str, int]] | None = None) -> list[str]:
    """Return the TXT records of a name, each joined to one text; none when there is no such name.

    ``servers`` are (address, port) pairs, the system's by default. Raises: LookupFailed.
    """
    query_id = secrets.randbits(16)
    question = _question(name)
    query = struct.pack("!HHHHHH", query_id, 0x0100, 1, 0, 0, 0) + question
    for server in servers if servers is not None else _system_servers():
        try:
            answer = _over_udp(query, server)
            if _is_truncated(answer):
                answer = _over_tcp(query, server)
            return _read(answer, query_id, question)
        except (OSError, _Unusable):
            continue
    raise LookupFailed("The name servers gave no usable answer. Try again in a minute.")


class _Unusable(Exception):
    """An answer that is none of ours, or cannot be read."""


def _system_servers() -> list[tuple[str, int]]:
    found = []
    path = Path("/etc/resolv.conf")
    for line in path.read_text().splitlines() if path.exists() else []:
        word, _, value = line.strip().partition(" ")
        if word == "nameserver":
            try:
                found.append((str(ipaddress.ip_address(value.strip().partition("%")[0])), 53))
            except ValueError:
                continue
    return found[:3]


def _question(name: str) -> bytes:
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    if any(not 0 < len(label) <= 63 for label in labels) or sum(map(len, labels)) + len(labels) > 254:
        raise LookupFailed("This is not a name that can be looked up.")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", _TXT, _IN)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _over_udp(query: bytes, server: tuple[str, int]) -> bytes:
    with socket.socket(_family(server[0]), socket.SOCK_DGRAM) as sock:
        sock.settimeout(_TIMEOUT_SECONDS)
        # Connected: answers of other senders are not even seen.
        sock.connect(server)
        sock.send(query)
        return sock.recv(_MOST_BYTES)


def _over_tcp(query: bytes, server: tuple[str, int]) -> bytes:
    with socket.create_connection(server, timeout=_TIMEOUT_SECONDS) as sock:
        sock.sendall(struct.pack("!H", len(query)) + query)
        (length,) = struct.unpack("!H", _exactly(sock, 2))
        return _exactly(sock, min(length, _MOST_BYTES))


def _exactly(sock: socket.socket, count: int) -> bytes:
    collected = b""
    while len(collected) < count:
        part = sock.recv(count - len(collected))
        if not part:
            raise _Unusable
        collected += part
    return collected


def _is_truncated(answer: bytes) -> bool:
    return len(answer) >= 4 and bool(answer[2] & 0x02)


def _read(answer: bytes, query_id: int, question: bytes) -> list[str]:
    try:
        given_id, flags, questions, records, _authority, _more = struct.unpack("!HHHHHH", answer[:12])
        code = flags & 0x0F
        is_ours = given_id == query_id and flags & 0x8000 and questions == 1
        # Names are compared without regard to case, as a server may write them its own way.
        if not is_ours or answer[12 : 12 + len(question)].lower() != question.lower():
            raise _Unusable
        if code == _NO_SUCH_NAME:
            return []
        if code != 0:
            raise _Unusable
        return _texts(answer, 12 + len(question), min(records, _MOST_RECORDS))
    except (struct.error, IndexError) as error:
        raise _Unusable from error


def _texts(answer: bytes, at: int, records: int) -> list[str]:
    found = []
    for _ in range(records):
        at = _after_name(answer, at)
        kind, network, _ttl, length = struct.unpack("!HHIH", answer[at : at + 10])
        at += 10
        if kind == _TXT and network == _IN:
            found.append(_text(answer[at : at + length]))
        at += length
    return found


def _after_name(answer: bytes, at: int) -> int:
    while answer[at]:
        if answer[at] & 0xC0:
            return at + 2
        at += answer[at] + 1
    return at + 1


def _text(data: bytes) -> str:
    parts, at = [], 0
    while at < len(data):
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += data[at] + 1
    return b"".join(parts).decode("utf-8", "replace")
