"""A brand is drafted, published, taken back; what everybody sees changes at once and nothing is lost on the way."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.files.storage import default_storage

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.models import EmailDomain
from tenants.branding import services
from tenants.branding.drawing import drawn_for
from tenants.branding.events import BrandChanged
from tenants.branding.models import Brand, BrandImage
from tenants.branding.remembering import published_brand
from tenants.branding.selectors import brand_in_work
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.models import Tenant
from tenants.tenancy import TenantRef, tenant_scope
from tests.fakes.events import PublishedEvents
from tests.people import person
from tests.tenants.branding.pictures import PLAIN_SVG, picture

pytestmark = pytest.mark.usefixtures("no_files_left")

type Committing = Callable[..., AbstractContextManager[Any]]


def fresh(tenant: TenantRef) -> TenantRef:
    """The company as another process sees it after the change."""
    return Tenant.objects.get(pk=tenant.id).ref


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER, Role.MANAGER, Role.SECURITY, Role.AUDITOR])
def test_only_who_runs_the_company_changes_its_brand(tenant: TenantRef, role: Role) -> None:
    actor = person(tenant, role, f"Some {role.value}")
    image = drawn_for("light", PLAIN_SVG)
    acts: tuple[Callable[[], object], ...] = (
        lambda: services.change_draft(actor=actor, texts={"name": "Mine"}),
        lambda: services.set_image(actor=actor, slot="light", image=image),
        lambda: services.remove_image(actor=actor, slot="light"),
        lambda: services.publish_draft(actor=actor),
        lambda: services.discard_draft(actor=actor),
        lambda: services.reset_draft(actor=actor),
        lambda: brand_in_work(actor=actor),
    )
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    assert not Brand.objects.exists()


def test_a_draft_is_seen_by_nobody_until_it_is_published(
    tenant: TenantRef, admin: UserActor, published_events: PublishedEvents,
    django_capture_on_commit_callbacks: Committing,
) -> None:  # fmt: skip
    services.change_draft(
        actor=admin, texts={"name": "Halden Foods", "color": "#ffd400", "headline": "Hello"}
    )
    assert published_brand(fresh(tenant)).name == tenant.name
    assert published_events.names == []
    with (
        django_capture_on_commit_callbacks(using=tenant.cell, execute=True),
        django_capture_on_commit_callbacks(using="default", execute=True),
    ):
        now = services.publish_draft(actor=admin)
    assert now.draft is None
    row = Tenant.objects.get(pk=tenant.id)
    assert (row.name, row.brand_color) == ("Halden Foods", "#ffd400")
    assert published_brand(row.ref).headline == "Hello"
    (event,) = published_events.of(BrandChanged)
    assert event.changed == ("name", "color", "headline")


def test_of_two_who_work_on_it_the_second_is_told_and_loses_nothing(
    tenant: TenantRef, admin: UserActor
) -> None:
    seen = brand_in_work(actor=admin).version
    services.change_draft(actor=admin, texts={"headline": "First"}, seen=seen)
    with pytest.raises(Conflict) as refused:
        services.change_draft(actor=admin, texts={"headline": "Second"}, seen=seen)
    assert refused.value.code == "conflict.brand_changed"
    assert admin.name in refused.value.message
    for act in (services.publish_draft, services.discard_draft, services.reset_draft):
        with pytest.raises(Conflict):
            act(actor=admin, seen=seen)
    now = brand_in_work(actor=admin)
    assert now.draft is not None
    assert now.draft.headline == "First"


def test_whoever_still_has_a_discarded_draft_before_them_is_told(tenant: TenantRef, admin: UserActor) -> None:
    seen = services.change_draft(actor=admin, texts={"headline": "Draft"}).version
    services.discard_draft(actor=admin, seen=seen)
    with pytest.raises(Conflict):
        services.change_draft(actor=admin, texts={"headline": "More"}, seen=seen)
    assert brand_in_work(actor=admin).newest.headline == ""


def test_there_is_nothing_to_publish_without_a_draft(tenant: TenantRef, admin: UserActor) -> None:
    with pytest.raises(Conflict):
        services.publish_draft(actor=admin)


def test_saving_what_is_there_already_makes_no_draft(tenant: TenantRef, admin: UserActor) -> None:
    now = services.change_draft(actor=admin, texts={"name": tenant.name})
    assert (now.draft, now.version) == (None, 0)


def test_an_image_is_kept_as_pixels_of_ours_and_the_old_one_stays_until_published(
    tenant: TenantRef, admin: UserActor
) -> None:
    first, second = drawn_for("light", PLAIN_SVG), drawn_for("light", picture())
    services.set_image(actor=admin, slot="light", image=first)
    services.publish_draft(actor=admin)
    services.set_image(actor=admin, slot="light", image=second)
    now = brand_in_work(actor=admin)
    assert now.published.images["light"].digest == first.digest
    assert now.newest.images["light"].digest == second.digest
    for image in (first, second):
        for size, made in image.pictures.items():
            with default_storage.open(services.image_name(image.digest, size)) as file:
                assert file.read() == made.content
    services.remove_image(actor=admin, slot="light")
    assert brand_in_work(actor=admin).newest.images == {}


def test_a_slot_nobody_knows_is_refused(tenant: TenantRef, admin: UserActor) -> None:
    with pytest.raises(NotFound):
        services.set_image(actor=admin, slot="background", image=drawn_for("light", PLAIN_SVG))
    assert not BrandImage.objects.exists()


def test_images_nobody_shows_are_let_go_one_day(
    tenant: TenantRef, admin: UserActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_OLD_IMAGES", 1)
    for number in range(1, 5):
        services.set_image(actor=admin, slot="mark", image=drawn_for("mark", picture(size=(number * 10, 10))))
    assert BrandImage.objects.count() == 2


@pytest.mark.parametrize("address", ["boss@bank.example", "help@pending.example"])
def test_answers_go_to_nobody_elses_address(tenant: TenantRef, admin: UserActor, address: str) -> None:
    EmailDomain.objects.create(domain="pending.example", nonce="n")
    with pytest.raises(InvalidInput) as refused:
        services.change_draft(actor=admin, texts={"reply_to": address})
    assert "reply_to" in refused.value.fields


def test_answers_go_to_a_proved_domain_or_to_an_administrator(tenant: TenantRef, admin: UserActor) -> None:
    EmailDomain.objects.create(domain="acme.example", nonce="n", state=EmailDomain.State.VERIFIED)
    for address in ("help@acme.example", admin.user.email):
        now = services.change_draft(actor=admin, texts={"reply_to": address})
        assert now.newest.reply_to == address
    member = person(tenant, Role.MEMBER, "Mia Member-Example")
    with pytest.raises(InvalidInput):
        services.change_draft(actor=admin, texts={"reply_to": member.user.email})


def test_a_reset_is_a_draft_as_well(tenant: TenantRef, admin: UserActor) -> None:
    services.change_draft(actor=admin, texts={"color": "#e11d48", "headline": "Hello"})
    services.publish_draft(actor=admin)
    now = services.reset_draft(actor=admin)
    assert now.published.color == "#e11d48"
    assert now.draft is not None
    assert (now.draft.color, now.draft.headline, now.draft.name) == ("#5b5bd6", "", tenant.name)


def test_the_brand_is_asked_for_once_a_change_and_not_once_a_page(
    tenant: TenantRef, django_assert_num_queries: Any
) -> None:
    now = fresh(tenant)
    published_brand(now)
    with django_assert_num_queries(0, using=tenant.cell):
        assert published_brand(now).name == tenant.name


def test_a_company_never_wears_the_brand_of_another(
    tenant: TenantRef, other_tenant: TenantRef, admin: UserActor
) -> None:
    services.change_draft(actor=admin, texts={"headline": "Only here"})
    services.publish_draft(actor=admin)
    assert published_brand(fresh(tenant)).headline == "Only here"
    assert published_brand(other_tenant).headline == ""
    with tenant_scope(other_tenant):
        assert brand_in_work(actor=SYSTEM).newest.headline == ""
