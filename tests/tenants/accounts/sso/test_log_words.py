"""Every event that is written into the log of single sign-on has words, every word an event; topics hold them all."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

import tenants.accounts
from tenants.accounts.access import UserActor
from tenants.accounts.api.scim import bulk, discovery, resources
from tenants.accounts.api.scim.door import ScimView
from tenants.accounts.models import EmailDomain, IdentityProvider, ScimDeprovisioning, SsoLogEntry
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.log_words import OUTCOMES, TOPICS, WORDS, topic_of, words_of
from tests.people import signed_in_client

ROOT = Path(tenants.accounts.__file__).parent
# What writes the log, by the place of the event among the arguments; by its name it may stand anywhere.
WRITERS = {
    "note": None,
    "write": 1,
    "write_refusal": 1,
    "note_refusal": None,
    "_changed": 2,
    "_noted": 0,
    "_note": 1,
}
# Made of a state or of a resource and a method.
FAMILIES = {
    "domain.{}": [str(each) for each in EmailDomain.State],
    "provider.{}": [str(each) for each in IdentityProvider.State],
    "scim.held.{}": [str(ScimDeprovisioning.State.APPROVED), str(ScimDeprovisioning.State.REFUSED)],
}
CODE = re.compile(r"[a-z_]+(\.[a-z_]+)*")


def written() -> set[str]:
    """Every event in the code of the accounts."""
    found: set[str] = set()
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text())
        names = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in ([node.target] if isinstance(node, ast.AnnAssign) else node.targets)
            if isinstance(target, ast.Name)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name not in WRITERS:
                continue
            place = WRITERS[name]
            given = [each.value for each in call.keywords if each.arg == "event"]
            given += call.args[place : place + 1] if place is not None and not given else []
            for value in given:
                found.update(codes_in(names.get(value.id, value) if isinstance(value, ast.Name) else value))
    return found


def codes_in(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.JoinedStr):
        text = "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in value.values)
        yield from (text.format(each) for each in FAMILIES[text])
    elif isinstance(value, ast.IfExp):
        yield from (*codes_in(value.body), *codes_in(value.orelse))
    elif isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.fullmatch(value.value):
        yield value.value


def refused() -> set[str]:
    """What a refusal of a directory is called: by the views and their methods."""
    kinds = {"user": resources.OneView, "group": resources.OneView, "bulk": bulk.BulkView}
    assert issubclass(discovery.MeView, ScimView)
    asked = {
        f"scim.{kind}.{method}" for kind in kinds for method in ("post", "put", "patch", "delete", "get")
    }
    return asked - {f"scim.bulk.{method}" for method in ("put", "patch", "delete", "get")}


def test_every_event_has_words_and_every_word_an_event() -> None:
    found = written()
    # Named at run time: where a passkey was shown.
    found |= {"passkey_sign_in", "passkey_proof", "passkey_second_factor"}
    assert len(found) > 40, "the search finds too little"
    assert sorted(found - set(WORDS)) == []
    assert sorted(set(WORDS) - found) == []


def test_every_event_and_refusal_is_said_in_words_of_its_own_and_found_by_a_topic() -> None:
    for event in {*WORDS, *refused()}:
        assert words_of(event) not in {"Another event", "Another request of a directory"}, event
        assert [topic.code for topic in TOPICS if event.startswith(topic.starts)], event
    assert words_of("scim.me.post") == "Another request of a directory"
    assert words_of("of.tomorrow") == "Another event"
    assert set(OUTCOMES) == set(SsoLogEntry.Outcome.values)


def test_the_log_is_narrowed_down_in_words(host: str, owner: UserActor) -> None:
    for event, outcome in (
        ("sign_in", sso_log.Outcome.REFUSED),
        ("scim.user.patch", sso_log.Outcome.REFUSED),
        ("scim.user.created", sso_log.Outcome.ACCEPTED),
    ):
        sso_log.note(event=event, outcome=outcome, detail=f"About {event}.")
    browser = signed_in_client(host, owner)
    assert shown(browser, "") == {"sign_in", "scim.user.patch", "scim.user.created"}
    assert shown(browser, "?about=directories") == {"scim.user.patch", "scim.user.created"}
    assert shown(browser, "?about=directories&outcome=refused") == {"scim.user.patch"}
    assert shown(browser, "?about=nonsense&outcome=nonsense") == {
        "sign_in",
        "scim.user.patch",
        "scim.user.created",
    }
    page = browser.get("/settings/sign-in/log/?about=passkeys").content.decode()
    assert "Nothing of the kind" in page
    assert '<option value="passkeys" selected>Passkeys</option>' in page


def shown(browser: Client, query: str) -> set[str]:
    page = browser.get(f"/settings/sign-in/log/{query}").content.decode()
    return set(re.findall(r"About ([a-z_.]+)\.<", page))


@pytest.mark.parametrize("code", ["", "nonsense"])
def test_no_topic_is_none(code: str) -> None:
    assert topic_of(code) is None
