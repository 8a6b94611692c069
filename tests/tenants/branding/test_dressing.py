"""Letters wear the company's brand and say what the company wrote."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core import mail

from tenants.accounts.access import Role, UserActor
from tenants.accounts.invitations.letters import mail_invitation
from tenants.accounts.invitations.services import invite_user
from tenants.branding import services
from tenants.branding.drawing import drawn_for
from tenants.branding.letter_texts import write_letter_text
from tenants.foundation.letters import write_letter
from tenants.models import Tenant
from tenants.tenancy import TenantRef, tenant_scope
from tests.tenants.branding.pictures import PLAIN_SVG

pytestmark = pytest.mark.usefixtures("no_files_left")

FACTS = {"company": "Halden Foods", "link": "https://halden.example/join/x/", "name": "Ada"}


def dressed(tenant: TenantRef, admin: UserActor) -> TenantRef:
    """Publish a brand and come back as a process that has learned of it."""
    services.change_draft(
        actor=admin,
        texts={
            "color": "#e11d48", "sender_name": "Halden Foods IT", "reply_to": admin.user.email,
            "imprint_url": "https://halden.example/imprint",
        },
    )  # fmt: skip
    services.set_image(actor=admin, slot="light", image=drawn_for("light", PLAIN_SVG))
    services.publish_draft(actor=admin)
    return Tenant.objects.get(pk=tenant.id).ref


def test_a_letter_wears_logo_colour_sender_and_links(tenant: TenantRef, admin: UserActor) -> None:
    with tenant_scope(dressed(tenant, admin)):
        letter = write_letter("invitation", to="ada@example.example", facts=FACTS, language="en")
    assert letter.sender.startswith("Halden Foods IT <")
    assert letter.reply_to == admin.user.email
    assert re.search(
        r'<img src="http://[^"]+/brand/[0-9a-f]{64}/full\.png" width="160" height="40"', letter.html
    )
    assert "background-color:#e11d48" in letter.html
    assert "Imprint: https://halden.example/imprint" in letter.text
    assert "Notion Task Sync" not in letter.html + letter.text + letter.sender


def test_another_companys_letter_is_dressed_as_its_own(
    tenant: TenantRef, other_tenant: TenantRef, admin: UserActor
) -> None:
    dressed(tenant, admin)
    with tenant_scope(other_tenant):
        letter = write_letter("invitation", to="ada@example.example", facts=FACTS, language="en")
    assert "#e11d48" not in letter.html
    assert letter.sender.startswith(f"{other_tenant.name} <")


def test_an_invitation_goes_out_in_the_companys_own_words(
    tenant: TenantRef,
    admin: UserActor,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[Any]],
) -> None:
    write_letter_text(
        actor=admin, code="invitation", language=tenant.language, subject="Come in, {{ name }}",
        body="{{ invited_by }} waits for you:\n\n{{ link }}",
    )  # fmt: skip
    issued = invite_user(
        email="ada@example.example", name="Ada\r\nBcc: x@y.example", role=Role.MEMBER, actor=admin
    )
    with django_capture_on_commit_callbacks(using=tenant.cell, execute=True):
        mail_invitation(issued)
    (letter,) = mail.outbox
    assert letter.subject.startswith("Come in, Ada")
    assert "\n" not in letter.subject
    assert letter.recipients() == ["ada@example.example"]
    assert f"{admin.name} waits for you:" in str(letter.body)
    assert issued.token.reveal() in str(letter.body)


def test_the_other_language_keeps_the_products_words(tenant: TenantRef, admin: UserActor) -> None:
    write_letter_text(actor=admin, code="invitation", language="de", subject="Herein", body="{{ link }}")
    assert write_letter("invitation", to="a@b.example", facts=FACTS, language="de").subject == "Herein"
    assert write_letter("invitation", to="a@b.example", facts=FACTS, language="en").subject != "Herein"
