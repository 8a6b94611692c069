"""Looking names up: what a server says is believed only as the answer to one's own question."""

from collections.abc import Iterator

import pytest

from tenants.foundation import dns
from tenants.foundation.dns import LookupFailed, Place, place_of, server_from, txt_records
from tenants.foundation.errors import InvalidInput
from tests.fakes.name_server import TXT, NameServer

NAME = "tasks.example.com"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A server that knows one name; whoever waits for it in vain waits a moment."""
    monkeypatch.setattr(dns, "_TIMEOUT_SECONDS", 0.3)
    with NameServer().serving() as server:
        server.txt(NAME, "one", "two")
        yield server


@pytest.mark.parametrize("habit", ["silent", "failing", "other id", "other question", "garbage", "loop"])
def test_what_is_no_answer_to_the_question_is_not_believed(server: NameServer, habit: str) -> None:
    server.habit = habit
    with pytest.raises(LookupFailed):
        txt_records(NAME, servers=[server.address])


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64 + ".com", ".".join(["y" * 60] * 5), "müller.de"])
def test_what_is_no_name_is_not_asked_for(server: NameServer, name: str) -> None:
    with pytest.raises(LookupFailed):
        txt_records(name, servers=[server.address])
    assert server.asked == []


@pytest.mark.parametrize("text", ["", "name.example.com", "192.0.2.1:0", "192.0.2.1:x", "192.0.2.1:70000"])
def test_what_is_no_address_of_a_name_server_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        server_from(text)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_name_servers_are_configured_with_or_without_a_port(text: str, server: tuple[str, int]) -> None:
    assert server_from(text) == server


def test_the_next_server_is_asked_when_one_fails(server: NameServer) -> None:
    with NameServer(habit="failing").serving() as failing:
        assert txt_records(NAME, servers=[failing.address, server.address]) == ["one", "two"]
        assert failing.asked


def test_a_truncated_answer_is_fetched_over_tcp(server: NameServer) -> None:
    server.habit = "truncated"
    assert txt_records(NAME, servers=[server.address]) == ["one", "two"]
    assert server.by_tcp == 1


def test_a_name_nobody_has_has_no_records_and_leads_nowhere(server: NameServer) -> None:
    assert txt_records("nobody.example.com", servers=[server.address]) == []
    assert place_of("nobody.example.com", servers=[server.address]) == Place((), frozenset())


def test_records_of_another_name_in_the_answer_are_left_out(server: NameServer) -> None:
    server.records["elsewhere.example.com", TXT] = [b"\x05stray"]
    found = server._found
    server._found = lambda name, kind: [*found(name, kind), *found("elsewhere.example.com", kind)]  # type: ignore[method-assign,assignment,return-value]
    assert txt_records(NAME, servers=[server.address]) == ["one", "two"]


def test_aliases_are_followed_to_their_addresses(server: NameServer) -> None:
    server.alias("www.example.com", "edge.example.net")
    server.alias("edge.example.net", "host.example.org")
    server.a("host.example.org", "192.0.2.7")
    assert place_of("WWW.example.com", servers=[server.address]) == Place(
        ("edge.example.net", "host.example.org"), frozenset({"192.0.2.7"})
    )


def test_aliases_in_a_circle_end(server: NameServer) -> None:
    server.records["a.example.com", 5] = [b"\x01b\x07example\x03com\0"]
    answer = [
        ("a.example.com", 5, b"\x01b\x07example\x03com\0"),
        ("b.example.com", 5, b"\x01a\x07example\x03com\0"),
    ]
    server._found = lambda _name, _kind: iter(answer)  # type: ignore[method-assign,assignment]
    assert len(place_of("a.example.com", servers=[server.address]).aliases) == 8
