"""Lists what is overdue and, if asked, makes one task to talk about it: the API with nothing but the standard library.

    export NTS_URL=https://acme.example.com NTS_TOKEN=nts_live_…
    python examples/list_overdue_tasks.py --priority high --priority urgent
    python examples/list_overdue_tasks.py --follow-up

Copy what you need: it imports nothing of this repository.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 30
ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 60
WORTH_REPEATING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}


class Problem(Exception):
    """A problem document (RFC 9457). Decide by `code`, show `str()` to people."""

    def __init__(self, document: dict[str, Any], retry_after: str | None) -> None:
        self.status = int(document.get("status", 0))
        self.code = str(document.get("code", ""))
        self.request_id = str(document.get("request_id", ""))
        self.retry_after = int(retry_after) if retry_after and retry_after.isdigit() else None
        places = [
            f"{entry.get('pointer') or entry.get('parameter')}: {entry.get('detail')}"
            for entry in document.get("errors", [])
        ]
        super().__init__(" ".join([str(document.get("detail") or "No detail."), *places]))


@dataclass(frozen=True)
class Api:
    """One company's API: its address without a path, and a token."""

    url: str
    token: str

    def get(self, path: str, **filters: Any) -> Any:
        """Read one address. Raises: Problem, URLError."""
        query = urlencode({name: value for name, value in filters.items() if value}, doseq=True)
        return self._ask("GET", f"{self.url}{path}" + (f"?{query}" if query else ""))

    def every(self, path: str, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page: `next` knows the filters, so it is followed as it stands."""
        page = self.get(path, **filters)
        while True:
            yield from page["results"]
            if page["next"] is None:
                return
            page = self._ask("GET", page["next"])

    def post(self, path: str, body: dict[str, Any], *, key: str) -> Any:
        """Make something once, however often this is called with this key within a day. Raises: Problem, URLError."""
        return self._ask("POST", f"{self.url}{path}", body, {"Idempotency-Key": key})

    def _ask(
        self, method: str, url: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        if urlsplit(url)[:2] != urlsplit(self.url)[:2]:
            # A token goes to the company it belongs to and nowhere else.
            message = f"{url} is not at {self.url}."
            raise ValueError(message)
        given = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **(headers or {})}
        data = None
        if body is not None:
            data, given["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = Request(url, data, given, method=method)  # noqa: S310
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - http(s), see main()
                    return json.load(answer)
            except HTTPError as error:
                problem = _problem_of(error)
                if problem.status not in WORTH_REPEATING or attempt == ATTEMPTS:
                    raise problem from error
                _wait(problem.retry_after or 2**attempt)
            except URLError:
                # Nobody knows whether the request arrived: reading is harmless, a POST has its key.
                if attempt == ATTEMPTS:
                    raise
                _wait(2**attempt)
        raise AssertionError


def _wait(seconds: int) -> None:
    time.sleep(min(seconds, LONGEST_WAIT_SECONDS))


def _problem_of(error: HTTPError) -> Problem:
    with error:
        try:
            document = json.load(error)
        except ValueError:  # not from the API: a proxy, or another server altogether
            document = {"detail": f"{error.url} answered {error.code} {error.reason}."}
    return Problem({"status": error.code, **document}, error.headers.get("Retry-After"))


def overdue(api: Api, priorities: Sequence[str]) -> list[dict[str, Any]]:
    """The tasks whose day has passed, the longest overdue first."""
    return list(api.every("/api/v1/tasks/", due="overdue", priority=priorities, sort="due", page_size=100))


def follow_up(api: Api, tasks: Sequence[dict[str, Any]], today: str) -> dict[str, Any]:
    """One task a day to talk about them; a second call on that day finds the first one's answer."""
    lines = [f"- {task['key']} {task['title']}" for task in tasks[:100]]
    body = {
        "title": f"Talk about what is overdue ({today})",
        "description": "\n".join(lines),
        "due_on": today,
    }
    made: dict[str, Any] = api.post("/api/v1/tasks/", body, key=f"overdue-{today}")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when all went well, 1 after a problem, 2 when something is missing."""
    parser = argparse.ArgumentParser(description="List overdue tasks.")
    parser.add_argument("--priority", action="append", default=[], help="only these; may be repeated")
    parser.add_argument("--follow-up", action="store_true", help="make a task to talk about them, once a day")
    options = parser.parse_args(arguments)
    url, token = os.environ.get("NTS_URL", "").rstrip("/"), os.environ.get("NTS_TOKEN", "")
    if urlsplit(url).scheme not in {"http", "https"} or not token:
        sys.stderr.write("Set NTS_URL (https://your-company.example.com) and NTS_TOKEN.\n")
        return 2
    api = Api(url, token)
    try:
        tasks = overdue(api, options.priority)
        for task in tasks:
            people = ", ".join(person["name"] for person in task["assignees"]) or "nobody"
            sys.stdout.write(f"{task['due_on']}  {task['key']:<10} {task['title']}  ({people})\n")
        sys.stdout.write(f"{len(tasks)} overdue\n")
        if options.follow_up and tasks:
            made = follow_up(api, tasks, datetime.now(UTC).date().isoformat())
            sys.stdout.write(f"{made['key']}: {made['title']}\n")
    except Problem as problem:
        sys.stderr.write(f"{problem.status} {problem.code}: {problem} (request {problem.request_id})\n")
        return 1
    except URLError as error:
        sys.stderr.write(f"{url} cannot be reached: {error.reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
