"""The demo's name servers: a domain is proved by hand, from the page's two records to a working name."""

import socket
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.demo.name_servers import NameServers, Records, answered
from integrations.demo.own_domain import OWN_DOMAIN, ensure_own_domain
from tenants.accounts.access import UserActor
from tenants.branding.domains.checking import check_domain
from tenants.branding.domains.services import claim_domain, proof_of, target
from tenants.foundation.dns import place_of, txt_records
from tenants.models import CustomDomain
from tenants.tenancy import TenantRef

HOST = "tasks.acme-works.com"


def free_ports() -> list[int]:
    """Two ports nobody has for UDP."""
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return [one.getsockname()[1], other.getsockname()[1]]


@pytest.fixture
def records(tmp_path: Path, settings: Any) -> Iterator[Records]:
    """Both servers at work, and the product asking them."""
    settings.VAR_DIR = tmp_path
    known = Records(tmp_path / "demo" / "names.json")
    ports = free_ports()
    settings.DNS_RESOLVERS = [f"127.0.0.1:{port}" for port in ports]
    servers = NameServers(known, ports)
    servers.start()
    yield known
    servers.stop()


def set_record(*arguments: str) -> str:
    out = StringIO()
    call_command("demo_dns", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("records")
def test_a_domain_is_proved_by_hand_as_the_page_says(admin: UserActor) -> None:
    claimed = claim_domain(host=HOST, actor=admin)
    missing = check_domain(domain_id=claimed.pk, actor=admin)
    assert (missing.state, bool(missing.proof_problem)) == ("pending", True)
    name, value = proof_of(claimed)
    set_record("txt", name, value)
    assert check_domain(domain_id=claimed.pk, actor=admin).state == "verified"
    set_record("cname", HOST, target())
    found = check_domain(domain_id=claimed.pk, actor=admin)
    assert (found.state, found.proof_problem, found.route_problem) == ("active", "", "")
    set_record("forget", name)
    assert check_domain(domain_id=claimed.pk, actor=admin).missing_since is not None


def test_looking_up_the_demos_own_name_finds_it_as_it_should_be(
    tenant: TenantRef, admin: UserActor, records: Records
) -> None:
    for _run in range(2):
        ensure_own_domain(tenant, records)
        row = CustomDomain.objects.get(host=OWN_DOMAIN)
        found = check_domain(domain_id=row.pk, actor=admin)
        assert (found.state, found.missing_since, found.proof_problem, found.route_problem) == (
            "active",
            None,
            "",
            "",
        )


def test_what_was_spoiled_in_an_earlier_run_is_mended(tenant: TenantRef, records: Records) -> None:
    ensure_own_domain(tenant, records)
    CustomDomain.objects.filter(host=OWN_DOMAIN).update(state="suspended", domain=None, proof_problem="gone")
    ensure_own_domain(tenant, records)
    row = CustomDomain.objects.get(host=OWN_DOMAIN)
    assert (row.state, row.proof_problem) == ("active", "")
    assert row.domain is not None


@pytest.mark.usefixtures("records")
def test_a_name_nobody_set_does_not_exist() -> None:
    assert txt_records("nothing.example.com") == []
    assert place_of("nothing.example.com").aliases == ()


@pytest.mark.parametrize(
    "arguments",
    [("txt",), ("txt", "a..b", "x"), ("txt", "a.example.com"), ("cname", "a.example.com"), ("forget", "a.example.com"),
     ("txt", "a.example.com", "x" * 300)],
)  # fmt: skip
@pytest.mark.usefixtures("records")
def test_half_a_record_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        set_record(*arguments)
    assert set_record("list").strip() == "{}"


@pytest.mark.parametrize(
    "query",
    [b"", b"\0" * 5, b"\0" * 12, b"\0\1\1\0\0\1" + b"\0" * 6 + b"\x3fabc", b"\0\1\x81\0\0\1" + b"\0" * 20],
)
def test_what_is_no_question_gets_no_answer(query: bytes) -> None:
    assert answered(query, {}) == b""


def test_a_list_that_is_half_written_knows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text('{"a.example": ')
    assert Records(path).all() == {}
