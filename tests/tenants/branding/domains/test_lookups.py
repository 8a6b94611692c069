"""Two name servers are asked and both have to say it."""

from collections.abc import Iterator

import pytest

from tenants.branding.domains.lookups import Proof, look_up, resolvers
from tenants.foundation import dns
from tests.fakes.name_server import NameServer

HOST, RECORD, VALUE, TARGET = (
    "tasks.example.com",
    "_nts-challenge.tasks.example.com",
    "nts=1",
    "edge.example.net",
)


@pytest.fixture
def two(settings: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[NameServer, NameServer]]:
    """Two servers with everything set."""
    monkeypatch.setattr(dns, "_TIMEOUT_SECONDS", 0.3)
    with NameServer().serving() as first, NameServer().serving() as second:
        settings.DNS_RESOLVERS = [first.text, second.text]  # type: ignore[attr-defined]
        for server in (first, second):
            server.txt(RECORD, VALUE)
            server.alias(HOST, TARGET)
            server.a(TARGET, "192.0.2.80", "192.0.2.81")
        yield first, second


type Two = tuple[NameServer, NameServer]


def found() -> tuple[Proof, bool, str]:
    """What is found now: the proof, whether it leads here, and what is said about it."""
    result = look_up(HOST, RECORD, VALUE, TARGET)
    return result.proof, result.leads_here, result.proof_problem or result.route_problem


def test_one_server_proves_nothing(two: Two, settings: object) -> None:
    settings.DNS_RESOLVERS = [two[0].text]  # type: ignore[attr-defined]
    proof, _, problem = found()
    assert (proof, "fewer than two" in problem) == (Proof.UNKNOWN, True)


def test_the_same_server_twice_is_one(two: Two, settings: object) -> None:
    settings.DNS_RESOLVERS = [two[0].text, two[0].text]  # type: ignore[attr-defined]
    assert len(resolvers()) == 1


def test_servers_that_do_not_agree_prove_nothing(two: Two) -> None:
    two[1].txt(RECORD, "something else")
    proof, _, problem = found()
    assert (proof, "another does not" in problem) == (Proof.GONE, True)


@pytest.mark.parametrize("habit", ["silent", "failing", "other id", "garbage"])
def test_a_server_that_does_not_answer_says_nothing_for_or_against(two: Two, habit: str) -> None:
    two[1].habit = habit
    assert found()[0] is Proof.UNKNOWN


def test_another_value_is_no_proof_and_is_told_so(two: Two) -> None:
    for server in two:
        server.txt(RECORD, VALUE + "0", VALUE.upper())
    proof, _, problem = found()
    assert (proof, "none with the value shown" in problem) == (Proof.GONE, True)


def test_no_record_is_told_with_its_name(two: Two) -> None:
    for server in two:
        server.forget(RECORD)
    assert (found()[0], RECORD in found()[2]) == (Proof.GONE, True)


def test_an_alias_of_our_host_leads_here(two: Two) -> None:
    assert found() == (Proof.THERE, True, "")


def test_a_truncated_answer_counts_like_a_whole_one(two: Two) -> None:
    two[0].habit = two[1].habit = "truncated"
    assert found() == (Proof.THERE, True, "")


def test_the_top_of_a_domain_leads_here_by_our_addresses_alone(two: Two) -> None:
    for server in two:
        server.forget(HOST)
        server.a(HOST, "192.0.2.80")
    assert found() == (Proof.THERE, True, "")
    for server in two:
        server.a(HOST, "192.0.2.80", "198.51.100.1")
    proof, leads_here, problem = found()
    assert (proof, leads_here, "198.51.100.1" in problem) == (Proof.THERE, False, True)


def test_a_name_that_leads_nowhere_or_elsewhere_is_told(two: Two) -> None:
    for server in two:
        server.forget(HOST)
    assert "leads nowhere" in found()[2]
    for server in two:
        server.alias(HOST, "old.example.org")
    assert "old.example.org" in found()[2]


def test_one_server_that_sees_it_elsewhere_is_enough_to_wait(two: Two) -> None:
    two[1].alias(HOST, "old.example.org")
    assert found()[:2] == (Proof.THERE, False)
