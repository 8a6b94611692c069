"""Name servers on loopback, UDP and TCP, that say what a test wants: the truth, nothing, or lies."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

A, CNAME, TXT, AAAA = 1, 5, 16, 28
NO_SUCH_NAME, SERVER_FAILED = 3, 2


def wire_name(name: str) -> bytes:
    """A name in the form it has in a message."""
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


@dataclass
class NameServer:
    """One server with records by (name, kind); what is not there does not exist."""

    records: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    # How it misbehaves: "silent", "failing", "other id", "other question", "truncated", "garbage", "loop".
    habit: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    by_tcp: int = 0
    _is_over: bool = False

    def txt(self, name: str, *texts: str) -> None:
        """Let a name have these TXT records and no others."""
        self.records[name, TXT] = [bytes([len(text)]) + text.encode() for text in texts]

    def a(self, name: str, *addresses: str) -> None:
        """Let a name have these IPv4 addresses."""
        self.records[name, A] = [socket.inet_aton(address) for address in addresses]

    def alias(self, name: str, target: str) -> None:
        """Let a name be an alias."""
        self.records[name, CNAME] = [wire_name(target)]

    def forget(self, name: str) -> None:
        """Take everything a name has."""
        self.records = {key: value for key, value in self.records.items() if key[0] != name}

    @property
    def address(self) -> tuple[str, int]:
        """Where it answers."""
        return ("127.0.0.1", self._udp.getsockname()[1])

    @property
    def text(self) -> str:
        """The same as it is configured."""
        return f"127.0.0.1:{self.address[1]}"

    @contextmanager
    def serving(self) -> Iterator["NameServer"]:
        """Answer until the block ends."""
        self._open()
        threads = [threading.Thread(target=each) for each in (self._serve_udp, self._serve_tcp)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over = True
            for thread in threads:
                thread.join()
            self._udp.close()
            self._tcp.close()

    def _open(self) -> None:
        self._is_over = False
        for _ in range(50):
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("127.0.0.1", 0))
            self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                self._tcp.bind(self._udp.getsockname())
                break
            except OSError:  # somebody has that port for TCP
                self._udp.close()
                self._tcp.close()
        self._tcp.listen(8)
        for each in (self._udp, self._tcp):
            each.settimeout(0.05)

    def _serve_udp(self) -> None:
        while not self._is_over:
            try:
                query, sender = self._udp.recvfrom(4096)
            except TimeoutError:
                continue
            answer = self._answer(query, is_udp=True)
            if answer:
                self._udp.sendto(answer, sender)

    def _serve_tcp(self) -> None:
        while not self._is_over:
            try:
                caller, _ = self._tcp.accept()
            except TimeoutError:
                continue
            with caller:
                caller.settimeout(5)
                (length,) = struct.unpack("!H", caller.recv(2))
                self.by_tcp += 1
                answer = self._answer(caller.recv(length), is_udp=False)
                caller.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, query: bytes, *, is_udp: bool) -> bytes:
        number = struct.unpack("!H", query[:2])[0]
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += query[at] + 1
        kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
        name, question = ".".join(labels).lower(), query[12 : at + 5]
        self.asked.append((name, kind))
        if self.habit == "silent":
            return b""
        if self.habit == "failing":
            return struct.pack("!HHHHHH", number, 0x8180 | SERVER_FAILED, 1, 0, 0, 0) + question
        if self.habit == "other id":
            number ^= 1
        if self.habit == "other question":
            question = wire_name("elsewhere.example.com") + question[-4:]
        if self.habit == "garbage":
            return struct.pack("!HHHHHH", number, 0x8180, 1, 9, 0, 0) + question + b"\xc0\xff\0"
        if self.habit == "loop":
            here = 12 + len(question)
            return (
                struct.pack("!HHHHHH", number, 0x8180, 1, 1, 0, 0)
                + question
                + struct.pack("!H", 0xC000 | here)
            )
        if self.habit == "truncated" and is_udp:
            return struct.pack("!HHHHHH", number, 0x8380, 1, 0, 0, 0) + question
        found = list(self._found(name, kind))
        code = 0 if found or any(key[0] == name for key in self.records) else NO_SUCH_NAME
        answer = struct.pack("!HHHHHH", number, 0x8180 | code, 1, len(found), 0, 0) + question
        for owner, its_kind, data in found:
            answer += wire_name(owner) + struct.pack("!HHIH", its_kind, 1, 60, len(data)) + data
        return answer

    def _found(self, name: str, kind: int) -> Iterator[tuple[str, int, bytes]]:
        at = name
        while kind != CNAME and (at, CNAME) in self.records:
            data = self.records[at, CNAME][0]
            yield at, CNAME, data
            parts, place = [], 0
            while data[place]:
                parts.append(data[place + 1 : place + 1 + data[place]].decode())
                place += data[place] + 1
            at = ".".join(parts)
        for data in self.records.get((at, kind), []):
            yield at, kind, data
