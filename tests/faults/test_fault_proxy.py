"""The proxy that other tests put between us and a service does what it says, no more and no less."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fakes.fault_proxy import Fault, FaultProxy, Spoil, fault_proxy

ANSWER = b"0123456789"


class Answering(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while self.request.recv(100):
            self.request.sendall(ANSWER)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is cut off is what these tests are about."""


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with Server(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        with fault_proxy(server.server_address[1]) as proxy:
            yield proxy
        server.shutdown()
        thread.join()


def ask(connection: socket.socket) -> bytes:
    connection.sendall(b"?")
    return connection.recv(100)


def connected(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=2)


def test_answers_pass_until_their_turn_comes_and_a_reset_is_a_reset(proxy: FaultProxy) -> None:
    proxy.spoil_next(Fault(Spoil.RESET), skip=2)
    with connected(proxy) as connection:
        assert [ask(connection), ask(connection)] == [ANSWER, ANSWER]
        with pytest.raises(ConnectionResetError):
            ask(connection)
    with connected(proxy) as connection:
        assert ask(connection) == ANSWER
    assert (proxy.is_clean, proxy.spoiled) == (True, 1)


def test_a_half_answer_ends_politely_and_a_dropped_one_does_not(proxy: FaultProxy) -> None:
    proxy.spoil_next(Fault(Spoil.HALF, after_bytes=4), Fault(Spoil.DROP, after_bytes=3))
    with connected(proxy) as connection:
        assert (ask(connection), connection.recv(100)) == (ANSWER[:4], b"")
    with connected(proxy) as connection, pytest.raises(ConnectionResetError):
        ask(connection)
        connection.recv(100)


def test_a_delayed_answer_comes_later_and_a_swallowed_one_never(proxy: FaultProxy) -> None:
    proxy.spoil_next(Fault(Spoil.DELAY, seconds=0.2), Fault(Spoil.SWALLOW))
    with connected(proxy) as connection:
        started = time.monotonic()
        assert ask(connection) == ANSWER
        assert time.monotonic() - started >= 0.2
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(connection)


def test_what_is_open_can_be_cut_and_the_door_closed_and_opened(proxy: FaultProxy) -> None:
    with connected(proxy) as connection:
        assert ask(connection) == ANSWER
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            ask(connection)
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.accept()
    proxy.spoil_all(Fault(Spoil.RESET))
    with connected(proxy) as connection, pytest.raises(ConnectionResetError):
        ask(connection)
    proxy.spoil_all(None)
    with connected(proxy) as connection:
        assert ask(connection) == ANSWER
