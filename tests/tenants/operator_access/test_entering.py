"""The way in: one grant, one operator, one browser, once."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import SYSTEM, UserActor
from tenants.accounts.models import SupportAction, SupportVisit, User, UserSession
from tenants.accounts.selectors import visible_users
from tenants.accounts.sessions import handovers
from tenants.models import OperatorGrant
from tenants.operator_access.closing import end_what_has_run_out
from tenants.operator_access.deciding import revoke
from tenants.tenancy import tenant_scope
from tests.fakes.events import PublishedEvents
from tests.people import person
from tests.tenants.operator_access.conftest import Scene, relative


def test_without_a_grant_nobody_sets_out(scene: Scene) -> None:
    asked = scene.ask()
    inside = Client(headers={"host": scene.company_host})
    assert inside.get(f"/support/{asked.pk}/").status_code == 404
    assert inside.get(f"/support/{scene.company.id}/").status_code == 404
    assert "handover" not in inside.cookies


def test_an_operator_comes_in_sees_a_line_on_every_page_and_is_seen(
    scene: Scene, published_events: PublishedEvents
) -> None:
    grant = scene.granted()
    inside = scene.enter(grant)
    page = inside.get("/tasks/")
    assert page.status_code == 200, page.content
    assert f"You act as support for {scene.company.name}" in page.content.decode()
    seen = scene.owners_window().get(f"/settings/support-access/{grant.pk}/").content.decode()
    assert "Inside" in seen
    assert published_events.names == [
        "operator_access.asked", "operator_access.approved", "operator_access.entered",
    ]  # fmt: skip


def test_the_platforms_cookie_is_nothing_on_the_companys_host(scene: Scene) -> None:
    window = scene.operators_window()
    carried = Client(headers={"host": scene.company_host})
    carried.cookies = window.cookies
    scene.granted()
    assert carried.get("/tasks/").status_code == 302


def test_a_link_works_once(scene: Scene) -> None:
    inside, link = scene.way_in(scene.granted())
    assert inside.get(link).status_code == 302
    again = Client(headers={"host": scene.company_host})
    again.cookies = inside.cookies
    assert again.get(link).status_code == 404


def test_a_link_is_nothing_in_another_browser_and_spent_by_the_try(scene: Scene) -> None:
    inside, link = scene.way_in(scene.granted())
    thief = Client(headers={"host": scene.company_host})
    assert thief.get(link).status_code == 404
    thief.cookies["handover"] = "x" * 43
    assert thief.get(link).status_code == 404
    assert inside.get(link).status_code == 404
    assert not SupportVisit.objects.exists()


@pytest.mark.parametrize("part", ["state=", "code="])
def test_a_link_with_a_part_changed_is_nothing(scene: Scene, part: str) -> None:
    inside, link = scene.way_in(scene.granted())
    head, _, tail = link.partition(part)
    assert inside.get(f"{head}{part}{'x' * 43}{tail[43:]}").status_code == 404


def test_a_link_runs_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handovers, "CODE_LIVES", timedelta(seconds=-1))
    inside, link = scene.way_in(scene.granted())
    assert inside.get(link).status_code == 404


def test_another_operator_cannot_vouch(scene: Scene) -> None:
    grant = scene.granted()
    with tenant_scope(scene.platform):
        other = person(scene.platform, scene.operator.role or "admin", "Otto Other-Example")  # type: ignore[arg-type]
    away = Client(headers={"host": scene.company_host}).get(f"/support/{grant.pk}/")
    assert scene.operators_window(other).get(relative(away["Location"])).status_code == 404


def test_a_stranger_at_the_platform_is_asked_who_they_are(scene: Scene) -> None:
    away = Client(headers={"host": scene.company_host}).get(f"/support/{scene.granted().pk}/")
    answer = Client(headers={"host": scene.platform_host}).get(relative(away["Location"]))
    assert (answer.status_code, answer["Location"].startswith("/account/sign-in/")) == (302, True)


def test_revoked_between_the_code_and_the_door_it_stays_shut(scene: Scene) -> None:
    grant = scene.granted()
    inside, link = scene.way_in(grant)
    with tenant_scope(scene.company):
        revoke(grant_id=grant.pk, actor=scene.owner)
    assert inside.get(link).status_code == 404


def test_a_deactivated_operator_is_out_at_the_next_request(scene: Scene) -> None:
    inside = scene.enter(scene.granted())
    assert inside.get("/tasks/").status_code == 200
    with tenant_scope(scene.platform):
        User.objects.filter(pk=scene.operator.user_id).update(is_active=False)
    assert inside.get("/tasks/").status_code == 403
    assert SupportVisit.objects.get().ended_because == "grant_over"


def test_an_operator_who_lost_the_permission_is_out_at_the_next_request(scene: Scene) -> None:
    inside = scene.enter(scene.granted())
    with tenant_scope(scene.platform):
        scene.operator.user.role_bindings.all().delete()
    assert inside.get("/tasks/").status_code == 403


def test_it_ends_with_the_minute(scene: Scene, published_events: PublishedEvents) -> None:
    grant = scene.granted()
    inside = scene.enter(grant)
    past = timezone.now() - timedelta(seconds=1)
    OperatorGrant.objects.filter(pk=grant.pk).update(ends_at=past, decided_at=past - timedelta(minutes=5))
    assert inside.get("/tasks/").status_code == 403
    assert inside.get("/tasks/").status_code == 302
    assert end_what_has_run_out() == 1
    assert OperatorGrant.objects.get(pk=grant.pk).state == "ended"
    assert published_events.names[-1] == "operator_access.closed"


def test_the_companys_own_clock_ends_it_as_well(scene: Scene) -> None:
    inside = scene.enter(scene.granted())
    SupportVisit.objects.update(ends_at=timezone.now())
    assert inside.get("/tasks/").status_code == 302


def test_sent_away_is_out_at_once(scene: Scene) -> None:
    grant = scene.granted()
    inside = scene.enter(grant)
    answer = scene.owners_window().post(f"/settings/support-access/{grant.pk}/revoke/")
    assert answer.status_code == 302
    assert inside.get("/tasks/").status_code == 302
    visit = SupportVisit.objects.get()
    assert (visit.ended_because, visit.account.user.is_active) == ("revoked", False)
    assert not UserSession.objects.filter(user=visit.account.user, ended_at=None).exists()


def test_leaving_ends_the_grant(scene: Scene) -> None:
    grant = scene.granted()
    inside = scene.enter(grant)
    answer = inside.post("/support/leave/")
    assert answer["Location"].endswith("/platform/access/")
    assert OperatorGrant.objects.get(pk=grant.pk).state == "ended"
    assert inside.get("/tasks/").status_code == 302


def test_everything_that_is_more_than_reading_is_written_down(
    scene: Scene, published_events: PublishedEvents
) -> None:
    inside = scene.enter(scene.granted())
    inside.get("/tasks/")
    made = inside.post("/api/v1/tasks/", {"title": "Seen by support"}, content_type="application/json")
    assert made.status_code == 201, made.content
    assert inside.post("/settings/users/invite/", {"email": "x@example.com"}).status_code == 403
    rows = list(SupportAction.objects.order_by("at").values_list("method", "path", "status"))
    assert rows == [("POST", "/api/v1/tasks/", 201), ("POST", "/settings/users/invite/", 403)]
    acted = [event for event in published_events if event.name == "operator_access.acted"]
    assert [event.actor_id for event in acted] == [SupportVisit.objects.get().account.user_id] * 2
    assert all(row.request_id for row in SupportAction.objects.all())


def test_who_reads_only_changes_nothing(scene: Scene) -> None:
    inside = scene.enter(scene.granted(role="read_only"))
    assert inside.get("/tasks/").status_code == 200
    made = inside.post("/api/v1/tasks/", {"title": "No"}, content_type="application/json")
    assert made.status_code == 403


def test_in_histories_it_is_support_and_among_people_it_is_nobody(scene: Scene, owner: UserActor) -> None:
    scene.enter(scene.granted())
    names = [user.name for user in visible_users(actor=owner)]
    assert "Support (Olga Operator-Example)" not in names
    assert User.objects.filter(name="Support (Olga Operator-Example)", support_account__isnull=False).exists()
    assert visible_users(actor=SYSTEM).count() == len(names)


def test_a_visitor_can_never_sign_in_by_themselves(scene: Scene) -> None:
    scene.enter(scene.granted())
    visitor = User.objects.get(support_account__isnull=False)
    assert not visitor.has_usable_password()
    assert visitor.email.endswith(".invalid")
    assert settings.SESSION_COOKIE_NAME


def test_the_next_visit_is_the_same_person(scene: Scene) -> None:
    for _ in range(2):
        grant = scene.granted()
        scene.enter(grant).post("/support/leave/")
    assert SupportVisit.objects.count() == 2
    assert User.objects.filter(support_account__isnull=False).count() == 1
