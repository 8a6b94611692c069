"""Two name servers on loopback for the demo: a domain can be proved by hand where no real one is at hand."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from integrations.demo.ports import LOOPBACK

TXT: Final = 16
CNAME: Final = 5
_IN: Final = 1
_SECONDS: Final = 5
_NO_SUCH_NAME: Final = 3
# What fits into an answer over UDP, and into one text of a TXT record.
LONGEST_TEXT: Final = 255


class Records:
    """The records the demo's name servers know, in a file that a command changes while they run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[str, dict[str, list[str]]]:
        """Kind → values, by name; a file that is not there or half written knows nothing."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def put(self, name: str, kind: str, values: Sequence[str]) -> None:
        """Let a name have these records of one kind and no others."""
        known = self.all()
        known.setdefault(plain(name), {})[kind] = list(values)
        self._write(known)

    def forget(self, name: str) -> bool:
        """Take everything a name has; whether there was something."""
        known = self.all()
        was_there = known.pop(plain(name), None) is not None
        self._write(known)
        return was_there

    def _write(self, known: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        new.replace(self._path)


class NameServers:
    """The servers, each on a port of its own, answering over UDP from one list of records until they are stopped."""

    def __init__(self, records: Records, ports: Sequence[int]) -> None:
        self._records = records
        self._sockets = [_listening(port) for port in ports]
        self._threads = [
            threading.Thread(target=self._serve, args=(each,), name="demo-names", daemon=True)
            for each in self._sockets
        ]
        self._is_over = threading.Event()

    def start(self) -> None:
        """Begin to answer."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop answering. May be called again."""
        self._is_over.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=5)
        for each in self._sockets:
            each.close()

    def _serve(self, listening: socket.socket) -> None:
        while not self._is_over.is_set():
            try:
                query, sender = listening.recvfrom(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            answer = answered(query, self._records.all())
            if answer:
                listening.sendto(answer, sender)


def answered(query: bytes, known: Mapping[str, Mapping[str, Sequence[str]]]) -> bytes:
    """The answer to a question; nothing for what is none."""
    try:
        number, flags, count = struct.unpack("!HHH", query[:6])
        name, after = _asked(query)
        kind, network = struct.unpack("!HH", query[after : after + 4])
    except (struct.error, IndexError, UnicodeDecodeError):
        return b""
    if flags & 0x8000 or count != 1 or network != _IN:
        return b""
    found = list(_found(name, kind, known))
    code = 0 if found or name in known else _NO_SUCH_NAME
    head = struct.pack("!HHHHHH", number, 0x8580 | code, 1, len(found), 0, 0)
    return head + query[12 : after + 4] + b"".join(_record(*each) for each in found)


def plain(name: str) -> str:
    """A name in the form in which names are compared."""
    return name.strip().rstrip(".").lower()


def _listening(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((LOOPBACK, port))
    made.settimeout(0.2)
    return made


def _asked(query: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while length := query[at]:
        if length > 63:
            raise IndexError
        labels.append(query[at + 1 : at + 1 + length].decode("ascii"))
        at += length + 1
    return plain(".".join(labels)), at + 1


def _found(
    name: str, kind: int, known: Mapping[str, Mapping[str, Sequence[str]]]
) -> Iterator[tuple[str, int, bytes]]:
    """The records of a name, aliases followed a few steps."""
    at = name
    for _step in range(8):
        target = next(iter(known.get(at, {}).get("CNAME", ())), "")
        if not target or kind == CNAME:
            break
        yield at, CNAME, _wire(target)
        at = plain(target)
    wanted = {TXT: "TXT", CNAME: "CNAME"}.get(kind, "")
    for value in known.get(at, {}).get(wanted, ()):
        yield at, kind, _wire(value) if kind == CNAME else _text(value)


def _record(owner: str, kind: int, data: bytes) -> bytes:
    return _wire(owner) + struct.pack("!HHIH", kind, _IN, _SECONDS, len(data)) + data


def _wire(name: str) -> bytes:
    labels = [label.encode("ascii", "replace")[:63] for label in plain(name).split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _text(value: str) -> bytes:
    data = value.encode()[:LONGEST_TEXT]
    return bytes([len(data)]) + data
