"""A real server on loopback and Debian's Chromium, for whole stories."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from pytest_django import Settings

from integrations.registry import close_connections
from integrations.sandbox.notion.sandbox import Sandbox
from tenants.tenancy import TenantRef
from tests.companies import OWNER_PASSWORD
from tests.fakes.notion_sandbox import running_sandbox

CHROMIUM = shutil.which("chromium")
# Playwright keeps an event loop in the test's thread; the ORM is used beside it, never inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    return {
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
        ],
    }  # fmt: skip


@dataclass(frozen=True)
class Site:
    """One company's console on a real port."""

    tenant: TenantRef
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.tenant.slug}.localhost:{self.port}"

    @property
    def owner_email(self) -> str:
        return f"owner@{self.tenant.slug}.example"


@pytest.fixture
def site(committed_tenant: TenantRef) -> Iterator[Site]:
    """A server whose requests really commit, for a company of its own."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={})
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    before = settings.PUBLIC_PORT
    settings.PUBLIC_PORT = thread.port
    yield Site(committed_tenant, thread.port)
    settings.PUBLIC_PORT = before
    thread.terminate()


@dataclass
class Watched:
    """What went wrong in the browser while the test looked elsewhere."""

    errors: list[str]

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"script: {error}"))
        page.on("response", lambda r: self.errors.append(f"{r.status} {r.url}") if r.status >= 500 else None)

    def _console(self, message: ConsoleMessage) -> None:
        # A 4xx answer is logged by the browser too; tests that expect one look at the page instead.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Fails the test on any script error, policy violation or 5xx answer."""
    seen = Watched([])
    yield seen
    assert seen.errors == []


@pytest.fixture
def visitor(browser: Browser, site: Site, watched: Watched) -> Iterator[Page]:
    """A browser window nobody is signed in with."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    watched.listen(page)
    yield page
    context.close()


@pytest.fixture
def owner_page(visitor: Page, site: Site) -> Page:
    """The same window with the company's owner signed in through the form."""
    sign_in(visitor, site.owner_email, OWNER_PASSWORD)
    return visitor


def sign_in(page: Page, email: str, password: str) -> None:
    """Sign in as a person would."""
    page.goto("/account/sign-in/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/account/sign-in" not in url)


def open_context(browser: Browser, site: Site, **options: Any) -> BrowserContext:
    """Another window on the same company, e.g. narrow or dark."""
    return browser.new_context(base_url=site.url, **options)


@pytest.fixture
def notion(settings: Settings) -> Iterator[Sandbox]:
    """A Notion of one's own on loopback, without a budget, that the server under test talks to."""
    held = Sandbox(budget=None)
    with running_sandbox(sandbox=held) as running:
        settings.NOTION_BASE_URL = running.base_url
        yield held
        close_connections()
    held.close()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where a test may leave screenshots."""
    return tmp_path
