"""People brought by an import."""

from threading import Event, Thread
from uuid import UUID

from django.db import connections

from tasks.drafts import PersonDraft
from tasks.models import Person
from tasks.services import upsert_people
from tenants.accounts.access import SYSTEM, UserActor
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.tasks import make_person


def test_new_people_are_made_and_known_ones_updated(tenant: TenantRef) -> None:
    first = upsert_people(
        drafts=[PersonDraft(ref="notion:1", name="Ann", email="Ann@North.example")], actor=SYSTEM
    )
    again = upsert_people(drafts=[PersonDraft(ref="notion:1", name="Ann Demo")], actor=SYSTEM)
    assert first == again
    person = Person.objects.get()
    assert (person.name, person.email, person.refs) == ("Ann Demo", "ann@north.example", ["notion:1"])


def test_the_same_address_in_two_workspaces_is_the_same_person(tenant: TenantRef) -> None:
    ids = upsert_people(
        drafts=[
            PersonDraft(ref="notion:1", name="Ann", email="ann@north.example"),
            PersonDraft(ref="notion:2", name="Ann D.", email="ANN@north.example"),
            PersonDraft(ref="notion:3", name="Bot", email="no address"),
        ],
        actor=SYSTEM,
    )
    assert ids["notion:1"] == ids["notion:2"] != ids["notion:3"]
    assert sorted(Person.objects.get(pk=ids["notion:1"]).refs) == ["notion:1", "notion:2"]


def test_a_user_with_the_address_is_linked(tenant: TenantRef, member: UserActor) -> None:
    ids = upsert_people(
        drafts=[PersonDraft(ref="notion:1", name="M", email=member.user.email.upper())], actor=SYSTEM
    )
    assert Person.objects.get(pk=ids["notion:1"]).user_id == member.user_id


def test_a_person_keeps_an_address_another_claims(tenant: TenantRef) -> None:
    ann = make_person(email="ann@north.example")
    ids = upsert_people(drafts=[PersonDraft(ref="notion:9", name="Ann two")], actor=SYSTEM)
    upsert_people(
        drafts=[PersonDraft(ref="notion:9", name="Ann two", email="ann@north.example")], actor=SYSTEM
    )
    ann.refresh_from_db()
    assert ann.email == "ann@north.example"
    assert Person.objects.get(pk=ids["notion:9"]).email is None


def test_an_empty_name_keeps_the_old_one(tenant: TenantRef) -> None:
    upsert_people(drafts=[PersonDraft(ref="notion:1", name="")], actor=SYSTEM)
    assert Person.objects.get().name == "Someone"
    assert upsert_people(drafts=[], actor=SYSTEM) == {}


def test_a_person_two_syncs_bring_at_the_same_moment_is_one_person(committed_tenant: TenantRef) -> None:
    """Two workspaces of a company are read at once, and the same people work in both."""
    first_has_written = Event()
    ids: dict[str, UUID] = {}

    def bring(ref: str) -> None:
        ann = PersonDraft(ref=ref, name="Ann", email="ann@north.example")
        ids.update(upsert_people(drafts=[ann, PersonDraft(ref="notion:nameless", name="Cy")], actor=SYSTEM))

    def first() -> None:
        with tenant_scope(committed_tenant):
            with atomic():
                bring("notion:1")
                first_has_written.set()
                # The other one now waits for this transaction.
                Event().wait(0.5)
            connections.close_all()

    def second() -> None:
        first_has_written.wait(10)
        with tenant_scope(committed_tenant):
            with atomic():
                bring("notion:2")
            connections.close_all()

    threads = [Thread(target=first), Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert ids["notion:1"] == ids["notion:2"]
    with tenant_scope(committed_tenant), atomic():
        assert sorted(Person.objects.values_list("name", flat=True)) == ["Ann", "Cy"]
