"""The outbound client on servers that answer well, badly, slowly, in part and not at all."""

import gzip
import socket
import struct
import time

import pytest

from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http import Exchange, FailureReason, OutboundClient, Timeouts
from tests.tenants.foundation.http.servers import answer, scripted_server

QUICK = Timeouts(connect_seconds=1, read_seconds=0.3, total_seconds=1)


def client(**overrides: object) -> OutboundClient:
    settings: dict[str, object] = {
        "service": "Example",
        "allowed_private_hosts": ["127.0.0.1"],
        "timeouts": QUICK,
    } | overrides
    return OutboundClient(**settings)  # type: ignore[arg-type]


def failure(outbound: OutboundClient, url: str, **arguments: object) -> ExternalServiceError:
    with outbound, pytest.raises(ExternalServiceError) as caught:
        outbound.request("GET", url, **arguments)  # type: ignore[arg-type]
    return caught.value


def test_an_answer_comes_back_with_status_headers_and_json() -> None:
    with (
        scripted_server(answer("201 Created", b'{"a": 1}', headers={"X-Thing": "yes"})) as server,
        client(base_url=server.url) as outbound,
    ):
        response = outbound.request(
            "POST", "/v1/things", json={"q": 1}, params={"n": 2}, headers={"X-Mine": "1"}
        )
    assert (response.status, response.json(), response.header("X-THING")) == (201, {"a": 1}, "yes")
    assert response.is_success
    head = server.requests[0].lower()
    assert head.startswith(b"post /v1/things?n=2 http/1.1")
    assert b"x-mine: 1" in head
    assert head.endswith(b'{"q":1}')


def test_an_error_status_is_an_answer_not_an_exception() -> None:
    with scripted_server(answer("503 Busy", b"no")) as server, client() as outbound:
        response = outbound.request("GET", server.url)
    assert (response.status, response.text, response.is_success) == (503, "no", False)


def test_a_redirect_is_not_followed() -> None:
    target = {"Location": "http://127.0.0.1:1/secret"}
    with scripted_server(answer("302 Found", headers=target)) as server, client() as outbound:
        response = outbound.request("GET", server.url)
    assert response.status == 302
    assert len(server.requests) == 1


def test_a_cookie_told_to_one_call_is_not_sent_with_the_next() -> None:
    cookie = {"Set-Cookie": "who=tenant-a; Path=/"}
    with scripted_server(answer("200 OK", headers=cookie)) as server, client() as outbound:
        outbound.request("GET", server.url)
        outbound.request("GET", server.url)
    assert all(b"tenant-a" not in request for request in server.requests)


def test_a_host_whose_address_turns_private_after_the_check_is_never_dialled() -> None:
    """A rebinding resolver answers public once, then loopback: only the first answer may count."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    with scripted_server(answer("200 OK", b"inside")) as server:
        outbound = client(allowed_private_hosts=[], resolver=rebinding)
        error = failure(
            outbound,
            f"https://rebind.example:{server.port}/",
            timeouts=Timeouts(connect_seconds=0.2, total_seconds=0.4),
        )
    assert error.reason in {FailureReason.TIMEOUT, FailureReason.CONNECT}
    assert asked == ["rebind.example"]
    assert server.requests == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]]
)
def test_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    outbound = client(allowed_private_hosts=[], resolver=lambda host, port: addresses)
    error = failure(outbound, "https://evil.example/")
    assert (error.reason, error.is_transient) == (FailureReason.REFUSED_ADDRESS, False)


def test_an_address_in_the_url_is_checked_like_a_name() -> None:
    with scripted_server(answer("200 OK", b"inside")) as server:
        error = failure(client(allowed_private_hosts=[]), f"https://127.0.0.1:{server.port}/")
    assert error.reason is FailureReason.REFUSED_ADDRESS
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://user:pass@example.com/",
        "//x",
        "https://",
    ],
)
def test_anything_but_plain_https_is_refused(url: str) -> None:
    assert failure(client(), url).reason is FailureReason.BAD_URL


def test_an_unknown_host_is_a_transient_failure_of_the_name() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    error = failure(client(resolver=unknown), "https://nowhere.example/")
    assert (error.reason, error.is_transient, error.service) == (FailureReason.DNS, True, "Example")


def test_a_closed_port_is_a_failed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(client(), f"http://127.0.0.1:{port}/")
    assert (error.reason, error.is_transient) == (FailureReason.CONNECT, True)


def test_a_server_that_does_not_speak_tls_is_a_permanent_failure() -> None:
    with scripted_server(answer("200 OK")) as server:
        error = failure(client(), f"https://127.0.0.1:{server.port}/")
    assert (error.reason, error.is_transient) == (FailureReason.TLS, False)


def test_a_silent_server_times_out() -> None:
    with scripted_server(lambda connection, request: time.sleep(0.8)) as server:
        error = failure(client(), server.url)
    assert (error.reason, error.is_transient) == (FailureReason.TIMEOUT, True)


def test_a_server_that_drips_bytes_is_cut_off_by_the_total_time() -> None:
    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        for _count in range(60):
            connection.sendall(b"x")
            time.sleep(0.05)

    with scripted_server(drip) as server:
        started = time.monotonic()
        error = failure(client(timeouts=Timeouts(read_seconds=0.5, total_seconds=0.6)), server.url)
        elapsed = time.monotonic() - started
    assert error.reason is FailureReason.TIMEOUT
    assert elapsed < 2.5


def test_a_header_dripped_byte_by_byte_is_cut_off_too() -> None:
    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
        for _count in range(60):
            connection.sendall(b"x")
            time.sleep(0.05)

    with scripted_server(drip) as server:
        error = failure(client(timeouts=Timeouts(read_seconds=0.5, total_seconds=0.6)), server.url)
    assert error.reason is FailureReason.TIMEOUT


def test_a_reset_connection_is_transient() -> None:
    def reset(connection: socket.socket, _: bytes) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with scripted_server(reset) as server:
        error = failure(client(), server.url)
    assert (error.reason, error.is_transient) == (FailureReason.RESET, True)


def test_a_connection_closed_before_any_answer_is_a_reset() -> None:
    with scripted_server(lambda connection, request: None) as server:
        assert failure(client(), server.url).reason is FailureReason.RESET


def test_half_an_answer_is_incomplete_never_short_data() -> None:
    def half(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"half":')

    with scripted_server(half) as server:
        error = failure(client(), server.url)
    assert (error.reason, error.is_transient) == (FailureReason.INCOMPLETE, True)


def test_half_a_packed_answer_without_a_length_is_incomplete_too() -> None:
    packed = gzip.compress(b"x" * 10_000)[:-10]

    def half(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-encoding: gzip\r\n\r\n" + packed)

    with scripted_server(half) as server:
        assert failure(client(), server.url).reason is FailureReason.INCOMPLETE


def test_something_that_is_not_http_is_malformed() -> None:
    with scripted_server(lambda connection, request: connection.sendall(b"SSH-2.0-x\r\n\r\n")) as server:
        assert failure(client(), server.url).reason is FailureReason.MALFORMED


def test_a_body_over_the_cap_is_refused() -> None:
    with scripted_server(answer("200 OK", b"x" * 2001)) as server:
        error = failure(client(max_response_bytes=2000), server.url)
    assert (error.reason, error.is_transient) == (FailureReason.TOO_LARGE, False)


def test_a_packed_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    with scripted_server(answer("200 OK", bomb, headers={"content-encoding": "gzip"})) as server:
        assert failure(client(max_response_bytes=10_000), server.url).reason is FailureReason.TOO_LARGE


def test_a_packed_answer_is_unpacked() -> None:
    packed = gzip.compress(b'{"a": "' + b"b" * 100_000 + b'"}')
    with (
        scripted_server(answer("200 OK", packed, headers={"content-encoding": "gzip"})) as server,
        client() as outbound,
    ):
        assert len(outbound.request("GET", server.url).json()["a"]) == 100_000


def test_broken_packing_and_unknown_packing_are_malformed() -> None:
    for encoding in ("gzip", "br"):
        with scripted_server(answer("200 OK", b"zzz", headers={"content-encoding": encoding})) as server:
            assert failure(client(), server.url).reason is FailureReason.MALFORMED


def test_a_body_that_is_not_json_is_malformed() -> None:
    with scripted_server(answer("200 OK", b"<html>")) as server, client() as outbound:
        response = outbound.request("GET", server.url)
    with pytest.raises(ExternalServiceError) as caught:
        response.json()
    assert caught.value.reason == FailureReason.MALFORMED


def test_every_exchange_is_reported_without_query_or_body() -> None:
    exchanges: list[Exchange] = []
    with (
        scripted_server(answer("200 OK", b"four")) as server,
        client(on_exchange=exchanges.append) as outbound,
    ):
        outbound.request("get", f"{server.url}/path?token=hidden")
    failure(client(on_exchange=exchanges.append), server.url)
    good, bad = exchanges
    assert (good.method, good.path, good.status, good.reason, good.response_bytes) == (
        "GET",
        "/path",
        200,
        None,
        4,
    )
    assert (bad.status, bad.reason) == (None, FailureReason.CONNECT)
    assert "hidden" not in repr(exchanges)
