"""Busy ports: the next free one is taken, and it is said which."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from integrations.demo import ports
from integrations.demo.ports import LOOPBACK, choose_port, is_free
from tenants.foundation.errors import Conflict


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_the_usual_port_is_taken_silently_when_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        number = int(probe.getsockname()[1])
    chosen = choose_port("console", number)
    assert (chosen.number, chosen.notice) == (number, None)


def test_a_busy_port_is_named_and_a_free_one_after_it_taken(busy_port: int) -> None:
    chosen = choose_port("console", busy_port)
    assert chosen.number > busy_port
    assert is_free(chosen.number)
    assert chosen.notice == f"Port {busy_port} is busy: the console takes {chosen.number} instead."


def test_a_port_already_promised_to_another_service_is_not_given_again(busy_port: int) -> None:
    first = choose_port("console", busy_port)
    second = choose_port("sandbox", busy_port, taken={first.number})
    assert second.number not in {busy_port, first.number}


def test_somebody_listening_on_ipv6_only_counts() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert not is_free(int(listener.getsockname()[1]))


def test_without_any_free_port_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _port, **_kind: False)
    with pytest.raises(Conflict, match="No port from 8000 on is free for the console"):
        choose_port("console", 8000)


def test_who_answers_datagrams_wants_a_port_where_nobody_else_does() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        busy = other.getsockname()[1]
        assert not is_free(busy, by_datagrams=True)
        assert choose_port("name server", busy, by_datagrams=True).number > busy
