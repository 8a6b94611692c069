"""One message of a provider, two processes at once: it counts in one of them."""

import base64
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from lxml import etree

from tenants.accounts.access import SYSTEM
from tenants.accounts.models import EmailDomain, IdentityProvider, PendingSignIn, UsedAssertion
from tenants.accounts.sso import services
from tenants.accounts.sso.addresses import acs_url
from tenants.accounts.sso.oidc.backchannel import EVENT
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
            "company": str(company.id), "kind": "response", "provider": str(made.pk), "text": text,
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
    assert outcomes_of_two(offered(company, idp_keys)) == ["accepted", "replay"]
    with tenant_scope(company), atomic():
        assert (UsedAssertion.objects.count(), PendingSignIn.objects.count()) == (1, 1)


def outcomes_of_two(told: dict[str, object]) -> list[str]:
    """What becomes of the message in each of two processes that take it at once, sorted."""
    with ExitStack() as stack:
        processes = [begun(stack, told) for _ in range(2)]
        assert [line_of(process) for process in processes] == ["ready", "ready"]
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        return sorted(line_of(process) for process in processes)


def test_of_two_processes_with_the_same_logout_token_one_counts(company: TenantRef) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k"}
    base = "https://op.example"
    now = int(time.time())
    said = {"iss": base, "aud": "nts", "iat": now, "exp": now + 120, "jti": "one", "sub": "nia-1",
            "events": {EVENT: {}}}  # fmt: skip
    with tenant_scope(company):
        with atomic():
            made = services.create_provider(preset="oidc", name="Example Connect", actor=SYSTEM)
            IdentityProvider.objects.filter(pk=made.pk).update(issuer=base, client_id="nts", state="active")
        # What the provider says of itself was asked before: the processes call nobody.
        document = {
            "issuer": base, "authorization_endpoint": f"{base}/a", "token_endpoint": f"{base}/t",
            "jwks_uri": f"{base}/j",
        }  # fmt: skip
        cache.set(f"sso-discovery:{base}", document, timeout=600)
        cache.set(f"sso-jwks:{base}/j", [public], timeout=600)
    told: dict[str, object] = {
        "databases": {alias: str(connections[alias].settings_dict["NAME"]) for alias in settings.DATABASES},
        "company": str(company.id), "kind": "logout", "provider": str(made.pk), "path": "",
        "text": jwt.encode(said, key, "RS256", headers={"kid": "k"}),
    }  # fmt: skip
    assert outcomes_of_two(told) == ["accepted", "replay"]
    with tenant_scope(company), atomic():
        assert UsedAssertion.objects.count() == 1
