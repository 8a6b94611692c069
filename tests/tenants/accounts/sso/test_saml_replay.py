"""One response, two processes at once: one of them lets somebody in."""

import base64
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from lxml import etree

from tenants.accounts.access import SYSTEM
from tenants.accounts.models import EmailDomain, IdentityProvider, PendingSignIn, UsedAssertion
from tenants.accounts.sso import services
from tenants.accounts.sso.addresses import acs_url
from tenants.accounts.sso.saml.own_keys import own_keys
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.tenants.accounts.sso.conftest import ISSUER
from tests.tenants.accounts.sso.provider_by_hand import NAMES, ProviderByHand

ROOT = Path(__file__).parents[4]
type Process = subprocess.Popen[str]


@pytest.fixture
def company(committed_tenant: TenantRef) -> TenantRef:
    with tenant_scope(committed_tenant), atomic():
        EmailDomain.objects.create(domain="people.example", nonce="n", state=EmailDomain.State.VERIFIED)
        own_keys()
    return committed_tenant


def offered(company: TenantRef, keys: tuple[Path, Path]) -> dict[str, object]:
    """A response nobody asked for, at a provider that may begin sign-ins: only the row of its use is in the way."""
    with tenant_scope(company), atomic():
        made = services.create_provider(preset="saml", name="Example Id", actor=SYSTEM)
        IdentityProvider.objects.filter(pk=made.pk).update(
            issuer=ISSUER, sso_url="https://idp.example/sso", certificates=[keys[1].read_text()],
            allows_idp_initiated=True, state="active",
        )  # fmt: skip
        there = ProviderByHand(IdentityProvider.objects.get(pk=made.pk), keys)
        root = there.response("")
        root.replace(root.find("saml:Assertion", NAMES), there.signed(root.find("saml:Assertion", NAMES)))
        text = base64.b64encode(etree.tostring(there.signed(root))).decode()
        return {
            "databases": {alias: str(connections[alias].settings_dict["NAME"]) for alias in settings.DATABASES},
            "company": str(company.id), "provider": str(made.pk), "text": text,
            "path": "/" + acs_url(made).partition("://")[2].partition("/")[2],
        }  # fmt: skip


def begun(stack: ExitStack, told: dict[str, object]) -> Process:
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("replaying.py"))],
            env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]},
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
    )  # fmt: skip
    stack.callback(process.kill)
    assert process.stdin
    process.stdin.write(json.dumps(told) + "\n")
    process.stdin.flush()
    return process


def line_of(process: Process) -> str:
    """The next line that is an answer; the log is written there as well."""
    assert process.stdout
    assert process.stderr
    for line in process.stdout:
        if not line.startswith("{"):
            return line.strip()
    raise AssertionError(process.stderr.read()[-2000:])


def test_of_two_processes_with_the_same_response_one_gets_through(
    company: TenantRef, idp_keys: tuple[Path, Path]
) -> None:
    told = offered(company, idp_keys)
    with ExitStack() as stack:
        processes = [begun(stack, told) for _ in range(2)]
        assert [line_of(process) for process in processes] == ["ready", "ready"]
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        assert sorted(line_of(process) for process in processes) == ["accepted", "replay"]
    with tenant_scope(company), atomic():
        assert (UsedAssertion.objects.count(), PendingSignIn.objects.count()) == (1, 1)
