"""A TCP proxy on loopback that spoils what passes through it: between us and PostgreSQL, Valkey or a service."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_CHUNK = 65_536


class Spoil(StrEnum):
    """What happens to an answer."""

    DELAY = "delay"
    """It comes whole, `seconds` later."""
    RESET = "reset"
    """The connection is reset (RST) before its first byte."""
    HALF = "half"
    """Its first `after_bytes` bytes come, then the connection ends as if all were said (FIN)."""
    DROP = "drop"
    """Its first `after_bytes` bytes come, then the connection is reset."""
    SWALLOW = "swallow"
    """Nothing comes, and nobody hangs up."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One spoiled answer. An answer begins with the first bytes that come back after something was sent."""

    spoil: Spoil
    seconds: float = 0.0
    after_bytes: int = 0


class FaultProxy:
    """Forwards connections to `target_port` on loopback; faults are queued, or hold until they are lifted.

    Runs in a thread of its own; every method may be called from any thread.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._queue: deque[Fault | None] = deque()
        self._lasting: Fault | None = None
        self._pairs: set[_Pair] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.spoiled = 0
        """How many answers were spoiled."""

    def start(self) -> None:
        """Listen on a free port, `port`."""
        self._thread.start()
        self._wait(self._listen(0))

    def close(self) -> None:
        """End every connection and the thread."""
        self._wait(self._stop_listening())
        self.cut()
        self._wait(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def spoil_next(self, *faults: Fault, skip: int = 0) -> None:
        """Queue faults, one for each answer to come, after `skip` that pass."""
        self._do(lambda: self._queue.extend([*[None] * skip, *faults]))

    def spoil_all(self, fault: Fault | None) -> None:
        """Spoil every answer from now on in this way; None lifts that and empties the queue."""

        def change() -> None:
            self._lasting = fault
            if fault is None:
                self._queue.clear()

        self._do(change)

    def cut(self) -> None:
        """Reset every connection there is."""

        def reset_all() -> None:
            for pair in list(self._pairs):
                pair.reset()

        self._do(reset_all)

    def lead_to(self, port: int) -> None:
        """Connections made from now on go to another port."""
        self._target_port = port

    def refuse(self) -> None:
        """Let nobody in any more: the port is closed until `accept`."""
        self._wait(self._stop_listening())

    def accept(self) -> None:
        """Listen again, on the same port."""
        self._wait(self._listen(self.port))

    @property
    def is_clean(self) -> bool:
        """Whether every queued fault has happened."""
        return not any(self._queue)

    def take(self) -> Fault | None:
        """The fault of the answer that begins now; called in the proxy's thread."""
        fault = self._queue.popleft() if self._queue else self._lasting
        self.spoiled += fault is not None
        return fault

    async def _listen(self, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _settle(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(self, (reader, writer), there)
        self._pairs.add(pair)
        try:
            await pair.run()
        finally:
            self._pairs.discard(pair)

    def _do(self, action: Callable[[], object]) -> None:
        async def run() -> None:
            action()

        self._wait(run())

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)


type Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Pair:
    """One connection through the proxy: the client's side and the server's."""

    def __init__(self, proxy: FaultProxy, here: Stream, there: Stream) -> None:
        self._proxy, self._here, self._there = proxy, here, there
        self._is_new_answer = True

    async def run(self) -> None:
        """Carry bytes both ways until one side has ended."""
        ways = [asyncio.create_task(self._up()), asyncio.create_task(self._down())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for _, writer in (self._here, self._there):
                writer.close()

    def reset(self) -> None:
        """Break both sides at once."""
        for _, writer in (self._here, self._there):
            _reset(writer)

    async def _up(self) -> None:
        while data := await self._here[0].read(_CHUNK):
            self._is_new_answer = True
            self._there[1].write(data)
            await self._there[1].drain()

    async def _down(self) -> None:
        while data := await self._there[0].read(_CHUNK):
            fault = self._proxy.take() if self._is_new_answer else None
            self._is_new_answer = False
            if fault is not None and not await self._passes(fault, data):
                return
            self._here[1].write(data)
            await self._here[1].drain()

    async def _passes(self, fault: Fault, data: bytes) -> bool:
        """Spoil an answer that begins with `data`; whether the connection goes on."""
        match fault.spoil:
            case Spoil.DELAY:
                await asyncio.sleep(fault.seconds)
                return True
            case Spoil.SWALLOW:
                while await self._there[0].read(_CHUNK):
                    pass
            case Spoil.HALF | Spoil.DROP:
                self._here[1].write(data[: fault.after_bytes])
                with contextlib.suppress(ConnectionError):
                    await self._here[1].drain()
        if fault.spoil in {Spoil.RESET, Spoil.DROP}:
            _reset(self._here[1])
        return False


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that the other side sees RST, not FIN."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


@contextmanager
def fault_proxy(target_port: int) -> Iterator[FaultProxy]:
    """A proxy in front of a port on loopback until the block ends; spoils nothing before it is told to."""
    proxy = FaultProxy(target_port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()
