"""Looking names up: asks name servers directly and believes only an answer to its own question."""

import ipaddress
import secrets
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from tenants.foundation.errors import InvalidInput

type TxtResolver = Callable[[str], Sequence[str]]
# (address, port)
type Server = tuple[str, int]

_A: Final = 1
_CNAME: Final = 5
_TXT: Final = 16
_AAAA: Final = 28
_IN: Final = 1
_TIMEOUT_SECONDS: Final = 3.0
_MOST_BYTES: Final = 16 * 1024
_MOST_RECORDS: Final = 100
_MOST_ALIASES: Final = 8
_NO_SUCH_NAME: Final = 3


class LookupFailed(Exception):
    """No name server gave a usable answer; the text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name leads: the names it is an alias of, in order, and its addresses."""

    aliases: tuple[str, ...]
    addresses: frozenset[str]


def txt_records(name: str, *, servers: Sequence[Server] | None = None) -> list[str]:
    """Return the TXT records of a name, each joined to one text; none when there is no such name.

    ``servers`` are (address, port) pairs, the configured ones by default. Raises: LookupFailed.
    """
    records = _ask(name, _TXT, servers)
    return [_text(record.data) for record in records.answering(name, _TXT)]


def place_of(name: str, *, servers: Sequence[Server] | None = None) -> Place:
    """Return the aliases and the addresses of a name; none when there is no such name. Raises: LookupFailed."""
    four, six = _ask(name, _A, servers), _ask(name, _AAAA, servers)
    found = {socket.inet_ntop(socket.AF_INET, each.data) for each in four.answering(name, _A)}
    found |= {socket.inet_ntop(socket.AF_INET6, each.data) for each in six.answering(name, _AAAA)}
    return Place(four.aliases_of(name) or six.aliases_of(name), frozenset(found))


def known_servers() -> list[Server]:
    """Return the name servers of `DNS_RESOLVERS`, where there are none those this machine asks."""
    return [server_from(text) for text in settings.DNS_RESOLVERS] or system_servers()


def system_servers() -> list[Server]:
    """Return the name servers this machine asks, at most three."""
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


def server_from(text: str) -> Server:
    """Read a name server as it is configured: `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`.

    Raises: InvalidInput.
    """
    host, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "53")
    try:
        address = str(ipaddress.ip_address(host.strip("[]")))
        number = int(port)
    except ValueError as error:
        raise InvalidInput(f"“{text[:60]}” is no address of a name server.") from error
    if not 0 < number < 65536:
        raise InvalidInput(f"“{text[:60]}” has no port a name server could have.")
    return address, number


class _Unusable(Exception):
    """An answer that is none of ours, or cannot be read."""


@dataclass(frozen=True, slots=True)
class _Record:
    """One record of an answer; an alias brings its name along."""

    owner: str
    kind: int
    data: bytes
    target: str = ""


@dataclass(frozen=True, slots=True)
class _Records:
    """What an answer says."""

    records: tuple[_Record, ...] = ()

    def aliases_of(self, name: str) -> tuple[str, ...]:
        """Follow the aliases in the answer from the name that was asked for."""
        targets = {each.owner: each.target for each in self.records if each.kind == _CNAME}
        found: list[str] = []
        at = _plain(name)
        while at in targets and len(found) < _MOST_ALIASES:
            at = targets[at]
            found.append(at)
        return tuple(found)

    def answering(self, name: str, kind: int) -> Iterator[_Record]:
        """The records of the name that was asked for, or of what it is an alias of; others do not belong here."""
        owners = {_plain(name), *self.aliases_of(name)}
        size = {_A: 4, _AAAA: 16}.get(kind)
        for each in self.records:
            if each.kind == kind and each.owner in owners and size in (None, len(each.data)):
                yield each


def _ask(name: str, kind: int, servers: Sequence[Server] | None) -> _Records:
    query_id = secrets.randbits(16)
    question = _question(name, kind)
    query = struct.pack("!HHHHHH", query_id, 0x0100, 1, 0, 0, 0) + question
    for server in servers if servers is not None else known_servers():
        try:
            answer = _over_udp(query, server)
            if _is_truncated(answer):
                answer = _over_tcp(query, server)
            return _read(answer, query_id, question)
        except (OSError, _Unusable):
            continue
    raise LookupFailed("The name servers gave no usable answer. Try again in a minute.")


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _question(name: str, kind: int) -> bytes:
    try:
        labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    except UnicodeError as error:
        raise LookupFailed("This is not a name that can be looked up.") from error
    if any(not 0 < len(label) <= 63 for label in labels) or sum(map(len, labels)) + len(labels) > 254:
        raise LookupFailed("This is not a name that can be looked up.")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", kind, _IN)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _over_udp(query: bytes, server: Server) -> bytes:
    with socket.socket(_family(server[0]), socket.SOCK_DGRAM) as sock:
        sock.settimeout(_TIMEOUT_SECONDS)
        # Connected: answers of other senders are not even seen.
        sock.connect(server)
        sock.send(query)
        return sock.recv(_MOST_BYTES)


def _over_tcp(query: bytes, server: Server) -> bytes:
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


def _read(answer: bytes, query_id: int, question: bytes) -> _Records:
    try:
        given_id, flags, questions, records, _authority, _more = struct.unpack("!HHHHHH", answer[:12])
        code = flags & 0x0F
        is_ours = given_id == query_id and flags & 0x8000 and questions == 1
        # Names are compared without regard to case, as a server may write them its own way.
        if not is_ours or answer[12 : 12 + len(question)].lower() != question.lower():
            raise _Unusable
        if code == _NO_SUCH_NAME:
            return _Records()
        if code != 0:
            raise _Unusable
        return _Records(tuple(_records(answer, 12 + len(question), min(records, _MOST_RECORDS))))
    except (struct.error, IndexError) as error:
        raise _Unusable from error


def _records(answer: bytes, at: int, count: int) -> Iterator[_Record]:
    for _ in range(count):
        owner, at = _name(answer, at)
        kind, network, _ttl, length = struct.unpack("!HHIH", answer[at : at + 10])
        at += 10
        if at + length > len(answer):
            raise _Unusable
        if network == _IN:
            target = _name(answer, at)[0] if kind == _CNAME else ""
            yield _Record(owner, kind, answer[at : at + length], target)
        at += length


def _name(answer: bytes, at: int) -> tuple[str, int]:
    """The name that stands at a place, following pointers backwards only, and where what comes after it begins."""
    labels: list[str] = []
    after = -1
    while answer[at]:
        if answer[at] & 0xC0 == 0xC0:
            target = (answer[at] & 0x3F) << 8 | answer[at + 1]
            if target >= at:
                raise _Unusable
            after = at + 2 if after < 0 else after
            at = target
            continue
        if answer[at] & 0xC0 or len(labels) > 127:
            raise _Unusable
        label = answer[at + 1 : at + 1 + answer[at]]
        # A dot inside a label is no dot between two.
        labels.append(label.decode("latin-1").replace(".", "\\."))
        at += answer[at] + 1
    return ".".join(labels).lower(), after if after >= 0 else at + 1


def _text(data: bytes) -> str:
    parts, at = [], 0
    while at < len(data):
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += data[at] + 1
    return b"".join(parts).decode("utf-8", "replace")
