"""Events of a table the service fails for keep nobody from reading what events of the others tell of."""

from datetime import timedelta

from django.utils import timezone

from integrations.models import InboundEvent, SyncedCollection
from tasks.models import Project, Task
from tests.integrations.sync.events.conftest import Told


def test_events_of_other_tables_are_read_and_those_of_the_failing_one_are_left_to_the_next_look(
    told: Told,
) -> None:
    page = {
        "parent": {"type": "data_source_id", "data_source_id": told.workspace.projects_id},
        "properties": {"Name": {"title": [{"text": {"content": "Autumn"}}]}},
    }
    project_id = told.sandbox.create(told.workspace.editor, page)["id"]
    for number, one in enumerate(told.pages[:2]):
        told.rename(one, f"Renamed {number}")
        told.tell("page.properties_updated", one)
    told.tell("page.created", project_id, collection_id=told.workspace.projects_id)
    # A look at both tables is long enough ago that a question for everything is worth its call.
    SyncedCollection.objects.update(last_read_at=timezone.now() - timedelta(hours=1))
    told.sandbox.fault(
        match=f"/data_sources/{told.workspace.tasks_id}/query", kind="status", status=500, times=None
    )

    told.handle()

    assert Project.objects.filter(name="Autumn").exists()
    assert not Task.objects.filter(title__startswith="Renamed").exists()
    events = InboundEvent.objects.filter(state=InboundEvent.State.WAITING)
    assert not events.exists()
    left = InboundEvent.objects.get(entity_id=told.pages[0])
    assert left.state == InboundEvent.State.IGNORED
    assert left.reason.startswith("Its table could not be read")
