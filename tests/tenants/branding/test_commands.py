"""Brand, domains and mail server from the shell."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tenants.accounts.access import UserActor
from tenants.branding import services
from tenants.branding.domains.services import claim_domain
from tenants.branding.drawing import drawn_for
from tenants.branding.models import Brand, MailServer
from tenants.tenancy import TenantRef
from tests.tenants.branding.mail_servers_set_up import prove
from tests.tenants.branding.pictures import PLAIN_SVG

pytestmark = pytest.mark.usefixtures("no_files_left")


def run(command: str, *arguments: str) -> Any:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=StringIO())
    text = out.getvalue()
    return json.loads(text) if text.startswith(("{", "[")) else text


def test_a_brand_goes_out_and_comes_in_again_with_its_images(
    tenant: TenantRef, admin: UserActor, tmp_path: Path
) -> None:
    services.change_draft(
        actor=admin, texts={"name": "Halden Foods", "color": "#ffd400", "headline": "Hello"}
    )
    services.set_image(actor=admin, slot="light", image=drawn_for("light", PLAIN_SVG))
    services.publish_draft(actor=admin)
    file = tmp_path / "brand.json"
    run("brand", "export", tenant.slug, str(file))
    before = run("brand", "show", tenant.slug)["published"]
    services.reset_draft(actor=admin)
    services.publish_draft(actor=admin)
    run("brand", "import", tenant.slug, str(file))
    shown = run("brand", "show", tenant.slug)
    # In the draft alone, until it is published.
    assert shown["published"]["color"] != "#ffd400"
    assert shown["draft"]["color"] == "#ffd400"
    run("brand", "publish", tenant.slug)
    after = run("brand", "show", tenant.slug)["published"]
    assert {**after, "images": None} == {**before, "images": None}
    assert set(after["images"]) == {"light"}


@pytest.mark.parametrize(
    "document",
    [
        "[]",
        "{",
        '{"kind": "something else"}',
        '{"kind": "brand", "style": "x"}',
        '{"kind": "brand", "name": 5}',
        '{"kind": "brand", "color": "red"}',
        '{"kind": "brand", "images": {"banner": "x.png"}}',
        '{"kind": "brand", "images": {"light": 5}}',
        '{"kind": "brand", "images": {"light": "missing.png"}}',
        '{"kind": "brand", "images": {"light": "brand.json"}}',
    ],
)
def test_a_file_that_is_no_brand_changes_nothing(tenant: TenantRef, tmp_path: Path, document: str) -> None:
    file = tmp_path / "brand.json"
    file.write_text(document)
    with pytest.raises(CommandError):
        run("brand", "import", tenant.slug, str(file), "--publish")
    assert not Brand.objects.exists()


def test_nothing_new_is_not_published(tenant: TenantRef) -> None:
    with pytest.raises(CommandError):
        run("brand", "publish", tenant.slug)


def test_domains_are_listed_with_what_is_missing(tenant: TenantRef, admin: UserActor, settings: Any) -> None:
    assert "No domain" in run("domains", tenant.slug)
    claim_domain(host="tasks.acme-works.com", actor=admin)
    [found] = run("domains", tenant.slug, "--json")
    assert (found["domain"], found["state"]) == ("tasks.acme-works.com", "pending")
    txt, cname = found["missing"]
    assert txt.startswith("TXT _nts-challenge.tasks.acme-works.com = nts-domain-verification=")
    assert cname.startswith("CNAME tasks.acme-works.com = ")
    # One server alone proves nothing, and says so.
    settings.DNS_RESOLVERS = ["127.0.0.1:9"]
    text = run("domains", tenant.slug, "--check")
    assert "fewer than two name servers" in text
    with pytest.raises(CommandError):
        run("domains", tenant.slug, "--check", "other.example.com")


def test_a_mail_server_is_set_from_the_shell_with_its_password_from_standard_input(
    tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove()
    assert "platform's server" in run("mail_server", "show", tenant.slug)
    monkeypatch.setattr("sys.stdin", StringIO("an invented password\n"))
    shown = run(
        "mail_server", "set", tenant.slug, "--from", "tasks@acme.example", "--host", "mail.acme.com",
        "--username", "acme", "--json",
    )  # fmt: skip
    assert shown["candidate"]["host"] == "mail.acme.com"
    assert "an invented password" not in json.dumps(shown)
    assert MailServer.objects.get().password_id is not None
    with pytest.raises(CommandError):
        run("mail_server", "test", tenant.slug, "--to", "stranger@other.example")
    with pytest.raises(CommandError):
        run("mail_server", "confirm", tenant.slug, "--code", "123456")
    run("mail_server", "remove", tenant.slug)
    assert not MailServer.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [("brand", "show"), ("domains",), ("mail_server", "show")],
    ids=["brand", "domains", "mail server"],
)
def test_a_company_that_is_not_there_is_said_to_be_so(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="no company"):
        run(*arguments, "nobody")
