"""The commands of docs/api.md work as they are printed, and every address it names exists."""

import json
import re
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.urls import resolve
from rest_framework.test import APIClient

from tests.architecture.tree import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text()


@dataclass(frozen=True)
class Command:
    """One ``curl`` of the page: what it asks, with which headers and body."""

    method: str
    path: str
    headers: dict[str, str]
    body: str | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def commands() -> list[Command]:
    blocks = re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return [
        read(line) for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()
    ]


def read(line: str) -> Command:
    words = shlex.split(line)
    assert words.pop(0) == "curl"
    options: dict[str, list[str]] = {"-X": [], "-H": [], "-d": []}
    addresses = []
    while words:
        word = words.pop(0)
        if word in options:
            options[word].append(words.pop(0))
        else:
            addresses.append(word)
    (address,) = addresses
    parts = urlsplit(address)
    headers = dict(header.split(": ", 1) for header in options["-H"])
    body = options["-d"][0] if options["-d"] else None
    method = options["-X"][0] if options["-X"] else "POST" if body else "GET"
    return Command(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, headers, body)


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_a_command_of_the_page_works(api: APIClient, command: Command) -> None:
    assert command.headers.pop("Authorization") == "Bearer $TOKEN"
    task = api.post("/api/v1/tasks/", {"title": "Water the plants"}, format="json").json()
    path = command.path.replace("$KEY", task["key"])
    content_type = command.headers.pop("Content-Type", None)
    assert (content_type == "application/json") is (command.body is not None)
    answer = api.generic(
        command.method,
        path,
        command.body or "",
        content_type=content_type or "application/octet-stream",
        headers=command.headers,
    )
    assert answer.status_code in {200, 201}, answer.content


def test_the_same_key_is_answered_from_memory(api: APIClient) -> None:
    post = next(command for command in commands() if command.method == "POST")
    headers = {"Idempotency-Key": post.headers["Idempotency-Key"]}
    first, second = (
        api.post(post.path, json.loads(post.body or "null"), format="json", headers=headers) for _ in range(2)
    )
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"


def test_an_error_has_the_members_the_page_shows(api: APIClient) -> None:
    shown = json.loads(next(block for block in json_blocks() if "urn:nts" in block))
    answer = api.post("/api/v1/tasks/", {}, format="json")
    problem = answer.json()
    assert answer.status_code == shown["status"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem.keys() == shown.keys()
    stable = ("type", "title", "status", "detail", "code", "instance", "errors")
    assert {name: problem[name] for name in stable} == {name: shown[name] for name in stable}


def test_a_page_of_a_list_has_the_members_the_page_shows(api: APIClient) -> None:
    shown = json.loads(next(block for block in json_blocks() if '"results"' in block))
    assert api.get("/api/v1/tasks/").json().keys() == shown.keys()


def json_blocks() -> list[str]:
    return re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("address", sorted(set(re.findall(r"(/api/v1/[a-z-]+/[a-z{}/-]*)`", TEXT))))
def test_an_address_that_is_named_exists(address: str) -> None:
    assert resolve(address.replace("{id}", str(UUID(int=7))).replace("{key}", "OPS-7"))


@pytest.mark.parametrize(
    ("method", "address"), re.findall(r"^\| `([A-Z]+) (/api/v1/\S+)`", TEXT, re.MULTILINE)
)
def test_a_verb_that_is_named_is_offered(method: str, address: str) -> None:
    match = resolve(address.replace("{id}", str(UUID(int=7))).replace("{key}", "OPS-7"))
    assert method.lower() in getattr(match.func, "actions", {})
