"""The programs of `examples/` do what they say, started as anybody would, against a live site."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from tasks.models import Task
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.tokens.services import create_api_token
from tenants.lifecycle.signups.proofs import code_of
from tenants.models import Signup, Tenant
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.directory import directory
from tests.companies import drop_company
from tests.factories.tasks import make_person, make_task
from tests.faults.conftest import wait_until
from tests.journeys.conftest import Site
from tests.journeys.sign_ups import company_is_made

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAM = EXAMPLES / "list_overdue_tasks.py"
# Names below localhost are this machine (RFC 6761); not every C library knows.
START = """
import runpy, socket, sys
known = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: known(
    "127.0.0.1" if host.endswith(".localhost") else host, *rest, **more
)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def in_company(site: Site) -> Iterator[None]:
    with tenant_scope(site.tenant):
        yield


@pytest.fixture
def token(site: Site, in_company: None) -> str:
    with atomic():
        owner = actor_for(User.objects.get(email=site.owner_email))
        scopes = ["tasks.view", "tasks.create"]
        return create_api_token(actor=owner, name="Example", scopes=scopes).token.reveal()


def run(site: Site, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", START, str(PROGRAM), *arguments],
        env={"PATH": os.environ["PATH"], "NTS_URL": site.url, "NTS_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_more_than_a_page_is_listed_and_one_task_is_made(site: Site, token: str) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    with atomic():
        ida = make_person(name="Ida Invented")
        for number in range(130):
            make_task(title=f"Late {number:03}", due_on=yesterday, priority=4 if number % 2 else 1)
        make_task(title="Latest", due_on=yesterday - timedelta(days=9), assignees=[ida])
        make_task(title="In time", due_on=yesterday + timedelta(days=9))

    done = run(site, token)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "131 overdue"
    assert lines[0].endswith("Latest  (Ida Invented)")
    assert len({line.split()[1] for line in lines[:-1]}) == 131

    assert run(site, token, "--priority", "urgent").stdout.splitlines()[-1] == "65 overdue"

    first, second = (run(site, token, "--follow-up") for _ in range(2))
    assert first.stdout.splitlines()[-1] == second.stdout.splitlines()[-1]
    with atomic():
        (made,) = Task.objects.filter(title__startswith="Talk about")
        assert made.description.count("\n- ") == 99
        assert made.key in first.stdout


def test_what_is_wrong_is_told_in_a_line(site: Site, token: str) -> None:
    wrong = run(site, "nts_live_wrong")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("401 authentication_failed: ")
    mistyped = run(site, token, "--priority", "hihg")
    assert mistyped.returncode == 1
    assert mistyped.stderr.startswith("422 invalid_input: ")
    assert "priority" in mistyped.stderr
    assert run(site, "").returncode == 2


@pytest.fixture
def platform(site: Site, settings: Settings) -> Iterator[Site]:
    """The site as the platform's own host, open for sign-ups; what is made there is dropped again."""
    settings.SIGN_UPS_ARE_OPEN = True
    Tenant.objects.filter(pk=site.tenant.id).update(slug="platform")
    directory.forget()
    yield site
    for made in Tenant.objects.filter(slug="made-by-example"):
        drop_company(made)
    Signup.objects.all().delete()
    Tenant.objects.filter(pk=site.tenant.id).update(slug=site.tenant.slug)
    directory.forget()


def test_a_company_is_made_by_a_program_alone(platform: Site) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-c", START, str(EXAMPLES / "onboard_tenant.py"), "--email=ann@made.example",
         "--name=Made", "--slug=made-by-example", "--owner=Ann Made-Up", "--invite=ben@made.example=manager"],
        env={"PATH": os.environ["PATH"], "NTS_URL": platform.url, "NTS_PASSWORD": "four unrelated words here"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        try:
            wait_until(Signup.objects.exists, seconds=60, what="somebody signs up")
            assert program.stdin is not None
            program.stdin.write(f"{code_of(Signup.objects.get().pk)}\n")
            program.stdin.flush()
            wait_until(lambda: company_is_made("made-by-example"), seconds=60, what="the company is made")
            told, complained = program.communicate(timeout=60)
        finally:
            program.kill()
    assert (program.returncode, complained) == (0, ""), told
    assert "Made is ready at http://made-by-example.localhost" in told
    assert "ben@made.example is invited as manager: http://made-by-example.localhost" in told
