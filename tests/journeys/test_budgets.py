"""What a page costs on the wire, compressed: scripts, styles, the page itself, and all of it at the first visit."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.test import Client

from tasks.models import Task
from tests.factories.tasks import make_department, make_person, make_task
from tests.reporting.rooms import make_collection, make_connection, make_run

KB = 1024
SCRIPTS, SCRIPTS_OF_RICH_PAGES, STYLES, PAGE, FIRST_LOAD = 40 * KB, 60 * KB, 20 * KB, 30 * KB, 150 * KB
# A checkout without built assets has no font yet: then this much is reserved for it.
FONT = 48 * KB
# The parts of the product that carry scripts of their own.
RICH = ("/tasks/board/", "/sync/runs/open/")
PATHS = (
    "/account/sign-in/", "/", "/tasks/", "/tasks/board/", "/tasks/OPS-1/", "/tasks/new/", "/tasks/projects/",
    "/workspaces/", "/workspaces/connect/", "/workspaces/one/", "/sync/runs/", "/sync/runs/open/",
    "/sync/runs/finished/", "/settings/users/", "/settings/api-tokens/", "/settings/preferences/", "/nowhere/",
)  # fmt: skip


@pytest.fixture
def furnished(console: Client) -> dict[str, str]:
    """A company with full pages; the addresses of things that have no name."""
    department = make_department()
    people = [make_person() for _ in range(3)]
    for number in range(60):
        status = Task.Status.values[number % 6]
        make_task(key_prefix="OPS", number=number, department=department, assignees=people, status=status)
    connection = make_connection()
    make_collection(connection)
    opened = make_run(connection, state="running", finished_at=None)
    finished = make_run(connection, state="partial", failed=3)
    return {
        "/workspaces/one/": f"/workspaces/{connection.pk}/",
        "/sync/runs/open/": f"/sync/runs/{opened.pk}/",
        "/sync/runs/finished/": f"/sync/runs/{finished.pk}/",
    }


def compressed(content: bytes, name: str = "") -> int:
    """Bytes on the wire: fonts are compressed already."""
    return len(content) if name.endswith(".woff2") else len(gzip.compress(content, 9))


def fetched(client: Client, path: str) -> tuple[int, dict[str, int]]:
    """The compressed size of a page, and of each file it loads at once by its address."""
    source = client.get(path).content.decode()
    addresses = re.findall(r'<link[^>]*rel="(?:stylesheet|preload)"[^>]*href="([^"]+)"', source)
    addresses += re.findall(r'<link[^>]*href="([^"]+)"[^>]*rel="(?:stylesheet|preload)"', source)
    addresses += re.findall(r'<script[^>]*src="([^"]+)"', source)
    sizes = {}
    for address in dict.fromkeys(addresses):
        if address.startswith(settings.STATIC_URL):
            found = find(address.removeprefix(settings.STATIC_URL))
            assert found, f"{path} loads {address}, which nobody serves"
            content = Path(str(found)).read_bytes()
        else:
            answer = client.get(address)
            assert answer.status_code == 200, address
            content = answer.content
        sizes[address] = compressed(content, address)
    return compressed(source.encode()), sizes


def of_kind(sizes: dict[str, int], *endings: str) -> int:
    return sum(size for address, size in sizes.items() if address.endswith(endings))


@pytest.mark.parametrize("path", PATHS)
def test_a_page_keeps_to_its_budget(
    console: Client, stranger: Client, furnished: dict[str, str], path: str
) -> None:
    client = stranger if path.startswith("/account/") else console
    page, sizes = fetched(client, furnished.get(path, path))
    scripts, styles = of_kind(sizes, ".js"), of_kind(sizes, ".css")
    assert 0 < scripts <= (SCRIPTS_OF_RICH_PAGES if path in RICH else SCRIPTS)
    assert 0 < styles <= STYLES
    assert page <= PAGE
    font = 0 if any(address.endswith(".woff2") for address in sizes) else FONT
    assert page + sum(sizes.values()) + font <= FIRST_LOAD


def test_only_pages_that_need_them_load_scripts_of_their_own(
    console: Client, furnished: dict[str, str]
) -> None:
    of_home = set(fetched(console, "/")[1])
    extra = {
        path: sorted(
            address.rsplit("/", 1)[-1]
            for address in set(fetched(console, furnished.get(path, path))[1]) - of_home
            if address.endswith(".js")
        )
        for path in PATHS[2:]
    }
    assert {path: names for path, names in extra.items() if names} == {
        "/tasks/": ["list.js"],
        "/tasks/board/": ["board-touch.js", "board.js", "list.js"],
        "/sync/runs/open/": ["hx-sse-4.min.js"],
    }
