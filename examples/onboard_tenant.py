"""Takes a company in by the API alone, from the first letter to enforced single sign-on with a directory.

    export NTS_URL=https://platform.example.com NTS_IDP_SECRET=…
    python examples/onboard_tenant.py --email ann@acme.example --name Acme --slug acme --owner "Ann Made-Up" \\
        --invite ben@acme.example=member --second-owner cleo@acme.example --email-domain acme.example \\
        --own-domain tasks.acme.example --identity-provider okta.json --directory Okta --enforce

Every part after the company itself is optional. `okta.json` holds what `PATCH identity-providers/{id}/` takes, with
`preset` and `name` beside it. What only people can do is asked of them, with the address where they do it: typing the
code of the letter, setting a DNS record, signing in at the provider, touching a passkey. The program waits and goes on.

Copy what you need: it imports nothing of this repository. Every POST carries an Idempotency-Key, so a call that was
cut off is repeated and done once.
"""

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

TIMEOUT_SECONDS = 30
ATTEMPTS = 4
PATIENCE_SECONDS = 120
# How long people have for what only they can do, and how often it is looked at.
PEOPLE_SECONDS = 3600
LOOK_EVERY_SECONDS = float(os.environ.get("NTS_LOOK_EVERY_SECONDS", "5"))


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
        return self._repeated("POST", path, body or {})

    def change(self, path: str, body: dict[str, Any], *, verb: str = "PATCH") -> dict[str, Any]:
        """Change what is there; doing it twice comes to the same. Raises: Problem, URLError."""
        return self._repeated(verb, path, body)

    def _repeated(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        key = uuid4().hex
        for attempt in range(ATTEMPTS):
            try:
                return self._send(method, path, body, key)
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
    sys.stdout.flush()


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


def wait_for(look: Callable[[], bool]) -> None:
    """Look again and again until people have done their part."""
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > PEOPLE_SECONDS:
            raise SystemExit("Nobody did this within an hour. What was set up so far stays.")
        time.sleep(LOOK_EVERY_SECONDS)


def invite(company: Api, email: str, role: str) -> None:
    """Ask somebody in; the link goes by mail as well."""
    made = company.post("invitations/", {"email": email, "role": role})
    say(f"{email} is invited as {made['role']}: {made['link']}")


def prove_domain(company: Api, path: str, name: str) -> str:
    """Claim a domain and wait for its TXT record; returns its id."""
    made = company.post(f"{path}/", {"domain": name})
    say(f"Set the TXT record {made['record_name']} = {made['record_value']}")
    if made.get("target"):
        say(f"Set the CNAME record {name} = {made['target']}")
    wanted = ("verified", "active") if path == "email-domains" else ("active",)
    wait_for(lambda: company.post(f"{path}/{made['id']}/check/")["state"] in wanted)
    say(f"{name} is proved.")
    return str(made["id"])


def set_provider_up(company: Api, wanted: argparse.Namespace, domain_id: str) -> str:
    """Describe the provider, have somebody try it, switch it on; returns its id."""
    with Path(wanted.identity_provider).open(encoding="utf-8") as file:
        values = json.load(file)
    made = company.post(
        "identity-providers/", {"preset": values.pop("preset"), "name": values.pop("name", wanted.name)}
    )
    address = f"identity-providers/{made['id']}/"
    for what, value in made["our_addresses"].items():
        say(f"Enter at the provider, as {what}: {value}")
    if secret := os.environ.get("NTS_IDP_SECRET"):
        values["client_secret"] = secret
    company.change(address, values)
    company.post(f"{address}state/", {"state": "test"})
    say(f"Try the sign-in out: {company.post(f'{address}tests/')['link']}")
    wait_for(lambda: bool(company.get(address)["is_tested"]))
    tested = company.get(address)
    for finding in tested["test_findings"]:
        say(f"  {finding['mark']}: {finding['title']} {finding['advice']}".rstrip())
    if tested["test_grade"] not in ("A", "B"):
        raise SystemExit("This provider would let nobody in yet. Mend what is marked as bad.")
    company.post(f"{address}state/", {"state": "active"})
    if company.get(address)["state"] != "active":
        say("Somebody else has to agree that people sign in by it: Administration, Second person.")
        wait_for(lambda: bool(company.get(address)["state"] == "active"))
    say(f"{tested['name']} is switched on: grade {tested['test_grade']}.")
    if domain_id:
        company.change(f"email-domains/{domain_id}/", {"captured_by_id": made["id"]})
    return str(made["id"])


def enforce(company: Api, provider_id: str) -> None:
    """Make the provider the only way in, once two owners can come in without it."""

    def owners() -> list[str]:
        rows = company.get("role-bindings/?page_size=100")["results"]
        return sorted(
            {row["holder_id"] for row in rows if row["role"] == "owner" and row["holder_type"] == "user"}
        )

    say("Two owners are needed for the day the provider is down.")
    wait_for(lambda: len(owners()) >= 2)
    named = company.change("sso/emergency-owners/", {"user_ids": owners()[:2]}, verb="PUT")
    for owner in named["owners"]:
        say(f"{owner['email']} makes a passkey at {named['passkey_address']}")
    wait_for(lambda: not company.get(f"sso/enforce/?provider_id={provider_id}")["obstacles"])
    company.post("sso/enforce/", {"provider_id": provider_id})
    say("Single sign-on is enforced.")


def connect_directory(company: Api, name: str, provider_id: str) -> None:
    """Let the company's directory keep people and groups here (SCIM 2.0)."""
    made = company.post("scim-directories/", {"name": name})
    address = f"scim-directories/{made['id']}/"
    if provider_id:
        company.change(address, {"provider_id": provider_id})
    issued = company.post(f"{address}keys/")
    say(f"Enter at the directory, as base URL: {made['base_url']}")
    say(f"Enter at the directory, as token: {issued['token']}")


def set_sign_in_up(company: Api, wanted: argparse.Namespace) -> None:
    """Everything about how people come in that was asked for."""
    if wanted.second_owner:
        invite(company, wanted.second_owner, "owner")
    domain_id = prove_domain(company, "email-domains", wanted.email_domain) if wanted.email_domain else ""
    provider_id = set_provider_up(company, wanted, domain_id) if wanted.identity_provider else ""
    if wanted.own_domain:
        prove_domain(company, "domains", wanted.own_domain)
    if wanted.directory:
        connect_directory(company, wanted.directory, provider_id)
    if wanted.enforce and provider_id:
        enforce(company, provider_id)


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read what is wanted from the command line."""
    parser = argparse.ArgumentParser(description="Makes a company by the API alone.")
    parser.add_argument("--email", required=True, help="whose company it is; the code goes there")
    parser.add_argument("--name", required=True, help="what the company is called")
    parser.add_argument("--slug", required=True, help="the first part of its host name")
    parser.add_argument("--owner", required=True, help="the owner's name")
    parser.add_argument("--invite", action="append", default=[], metavar="EMAIL=ROLE", help="may be repeated")
    parser.add_argument("--second-owner", metavar="EMAIL", help="the other owner for an emergency")
    parser.add_argument("--email-domain", metavar="DOMAIN", help="whose addresses are the company's")
    parser.add_argument("--own-domain", metavar="HOST", help="where the console shall answer too")
    parser.add_argument("--identity-provider", metavar="FILE", help="JSON: preset, name and its values")
    parser.add_argument("--directory", metavar="NAME", help="connects a directory by SCIM")
    parser.add_argument("--enforce", action="store_true", help="makes the provider the only way in")
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
            invite(company, email, role or "member")
        set_sign_in_up(company, wanted)
    except Problem as problem:
        complain(f"{problem} ({problem.code})")
        return 1
    except URLError as error:
        complain(f"The server does not answer: {error.reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
