"""Makes a company by the API alone: sign up, prove the address, wait for the company, invite people.

    export NTS_URL=https://platform.example.com
    python examples/onboard_tenant.py --email ann@acme.example --name Acme --slug acme --owner "Ann Made-Up" \\
        --invite ben@acme.example=member

The code of the letter is asked for on the terminal, the password too. Copy what you need: it imports nothing of this
repository. Every write carries an Idempotency-Key, so a call that was cut off is repeated and done once.
"""

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

TIMEOUT_SECONDS = 30
ATTEMPTS = 4
PATIENCE_SECONDS = 120


class Problem(Exception):
    """A problem document (RFC 9457). Decide by `code`, show `str()` to people."""

    def __init__(self, status: int, document: dict[str, Any], retry_after: str | None) -> None:
        self.status = status
        self.code = str(document.get("code", ""))
        self.retry_after = int(retry_after) if retry_after and retry_after.isdigit() else None
        places = [
            f"{each.get('pointer') or each.get('parameter')}: {each.get('detail')}"
            for each in document.get("errors", [])
        ]
        super().__init__(" ".join([str(document.get("detail") or "No detail."), *places]))


@dataclass(frozen=True)
class Api:
    """One host's API: its address without a path, and a token once there is one."""

    url: str
    token: str = ""

    def get(self, path: str) -> dict[str, Any]:
        """Ask for something. Raises: Problem, URLError."""
        return self._send("GET", path, None, "")

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do something once, however often the line breaks. Raises: Problem, URLError."""
        key = uuid4().hex
        for attempt in range(ATTEMPTS):
            try:
                return self._send("POST", path, body or {}, key)
            except (URLError, Problem) as error:
                passes = not isinstance(error, Problem) or error.status in (429, 502, 503)
                if not passes or attempt == ATTEMPTS - 1:
                    raise
                wait = getattr(error, "retry_after", None) or 2**attempt
                if wait > PATIENCE_SECONDS:
                    raise
                time.sleep(wait)
        raise AssertionError("The last attempt has returned or raised.")

    def _send(self, method: str, path: str, body: dict[str, Any] | None, key: str) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/api/v1/{path}", data=data, headers=headers, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme was checked
                text = answer.read()
        except HTTPError as error:
            try:
                document = json.loads(error.read())
            except ValueError:
                document = {"detail": f"The server answered {error.code}."}
            raise Problem(error.code, document, error.headers.get("Retry-After")) from error
        told: dict[str, Any] = json.loads(text) if text else {}
        return told


def say(line: str) -> None:
    """Tell what was done."""
    sys.stdout.write(f"{line}\n")


def complain(line: str) -> None:
    """Tell what could not be done."""
    sys.stderr.write(f"{line}\n")


def onboard(platform: Api, wanted: argparse.Namespace, *, code: Callable[[], str], password: str) -> Api:
    """Make the company; returns its own API, with a token of its owner that is good for a day."""
    signup = platform.post("signups/", {"email": wanted.email})
    say(f"A code went to {wanted.email}.")
    proved = platform.post(f"signups/{signup['id']}/verify/", {"code": code()})
    mine = replace(platform, token=proved["token"])
    operation = mine.post(
        "tenants/",
        {"slug": wanted.slug, "name": wanted.name, "owner_name": wanted.owner, "owner_password": password},
    )
    began = time.monotonic()
    while operation["state"] == "running":
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise SystemExit("The company is not ready yet; it is being made on.")
        time.sleep(0.2)
        operation = mine.get(f"operations/{operation['id']}/")
    if operation["state"] != "succeeded":
        raise SystemExit(f"The company could not be made: {operation['error']}")
    first = mine.post(f"signups/{signup['id']}/api-token/")
    say(f"{wanted.name} is ready at {first['address']} after {time.monotonic() - began:.1f} s.")
    return Api(first["address"], first["token"])


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read what is wanted from the command line."""
    parser = argparse.ArgumentParser(description="Makes a company by the API alone.")
    parser.add_argument("--email", required=True, help="whose company it is; the code goes there")
    parser.add_argument("--name", required=True, help="what the company is called")
    parser.add_argument("--slug", required=True, help="the first part of its host name")
    parser.add_argument("--owner", required=True, help="the owner's name")
    parser.add_argument("--invite", action="append", default=[], metavar="EMAIL=ROLE", help="may be repeated")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    wanted = read_arguments(arguments)
    url = os.environ.get("NTS_URL", "").rstrip("/")
    if urlsplit(url).scheme not in ("http", "https"):
        complain("Set NTS_URL to the platform's address, such as https://platform.example.com.")
        return 2
    password = os.environ.get("NTS_PASSWORD") or getpass.getpass("A password for the owner: ")
    try:
        company = onboard(Api(url), wanted, code=lambda: input("The code: ").strip(), password=password)
        for each in wanted.invite:
            email, _, role = each.partition("=")
            made = company.post("invitations/", {"email": email, "role": role or "member"})
            say(f"{email} is invited as {made['role']}: {made['link']}")
    except Problem as problem:
        complain(f"{problem} ({problem.code})")
        return 1
    except URLError as error:
        complain(f"The server does not answer: {error.reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
