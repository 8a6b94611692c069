"""One code of an app, shown in two processes of the product at the same moment: one of them takes it."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tenants.accounts.mfa.services import begin_authenticator_app, confirm_authenticator_app
from tenants.accounts.mfa.totp import code_at, counter_at
from tenants.accounts.models import AuthenticatorApp, User
from tenants.accounts.selectors import actor_for
from tenants.secrets.services import reveal_secret
from tenants.tenancy import TenantRef, atomic, tenant_scope

ROOT = Path(__file__).resolve().parents[4]


def started(tenant: TenantRef, user: User) -> "subprocess.Popen[str]":
    """A process that waits for the code it shall show."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tenants.accounts.mfa.one_code", str(tenant.id), str(user.pk)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    while (line := process.stdout.readline()) != "ready\n":
        assert line, "the process ended before it was ready"
    return process


def outcome(process: "subprocess.Popen[str]") -> str:
    """What the process made of the code."""
    output, _ = process.communicate(timeout=120)
    return next(line for line in output.splitlines() if line.startswith("shown ")).removeprefix("shown ")


def test_of_two_processes_that_are_shown_one_code_one_takes_it(committed_tenant: TenantRef) -> None:
    with tenant_scope(committed_tenant), atomic():
        user = User.objects.get()
        app = begin_authenticator_app(actor=actor_for(user))
        secret = reveal_secret(app.secret_id).reveal()
        confirm_authenticator_app(actor=actor_for(user), code=code_at(secret, counter_at(time.time())))
        # As if it had been set up long ago: no code of today is spent.
        AuthenticatorApp.objects.update(last_counter=0)
    both = [started(committed_tenant, user) for _ in range(2)]
    # Good for half a minute more at least: the step of now counts through the next one.
    code = code_at(secret, counter_at(time.time()))
    for process in both:
        assert process.stdin is not None
        process.stdin.write(f"{code}\n")
        process.stdin.flush()
    assert sorted(outcome(process) for process in both) == ["refused", "totp"]
