"""Values no form would let through: they arrive, or somebody is told."""

from collections.abc import Callable

from integrations.models import Connection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from tasks.models import Person, Task
from tests.factories.notion import NotionWorkspace

type Connect = Callable[[NotionWorkspace], Connection]
type Work = Callable[[], None]


def task_of(page: str) -> Task:
    return Task.objects.get(external_links__remote_id=page)


def test_odd_unicode_arrives_as_it_is_or_is_made_storable(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    right_to_left = workspace.add_task("עברית ‏— \u202eمهمة\u202c")
    family = workspace.add_task("👩‍👩‍👧‍👦 plan 🏳️‍🌈")
    nul = workspace.add_task("before\x00after")
    combining = workspace.add_task("e\u0301 and Z" + "\u0335" * 40)
    blank = workspace.add_task("\u200b \u00a0")
    connect(workspace)

    work()

    assert SyncRun.objects.get(kind="import").failed == 0
    assert task_of(right_to_left).title == "עברית ‏— \u202eمهمة\u202c"
    assert task_of(family).title == "👩‍👩‍👧‍👦 plan 🏳️‍🌈"
    assert task_of(nul).title == "beforeafter"
    assert task_of(combining).title.startswith("e\u0301")
    assert task_of(blank).title


def test_a_row_without_a_title_is_called_untitled_and_told(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    page = workspace.add_task("")
    connect(workspace)

    work()

    assert task_of(page).title == "Untitled"
    assert SyncRun.objects.get(kind="import").issues.get().code == "untitled"


def test_three_thousand_choices_in_one_cell_arrive(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    page = workspace.add_task("Tagged", tags=[f"tag {number}" for number in range(3000)])
    connect(workspace)

    work()

    assert len(task_of(page).tags) == 3000


def test_an_estimate_that_is_no_number_of_hours_costs_the_estimate_only(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    pages = [workspace.add_task("Huge", estimate=1e300), workspace.add_task("Negative", estimate=-1)]
    connect(workspace)

    work()

    assert [task_of(page).estimate_hours for page in pages] == [None, None]
    issue = SyncRun.objects.get(kind="import").issues.get()
    assert (issue.code, issue.count, issue.severity) == ("unusable_number", 2, "warning")


def test_dates_far_away_and_with_zones_arrive(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    far = workspace.add_task("Far", due={"start": "9998-12-31", "end": None, "time_zone": None})
    span = workspace.add_task("Span", due={"start": "2026-05-01", "end": "2026-05-20", "time_zone": None})
    hour = workspace.add_task(
        "Hour", due={"start": "2026-05-01T23:30:00.000+02:00", "end": None, "time_zone": None}
    )
    connect(workspace)

    work()

    assert str(task_of(far).due_on) == "9998-12-31"
    assert (str(task_of(span).start_on), str(task_of(span).due_on)) == ("2026-05-01", "2026-05-20")
    due_at = task_of(hour).due_at
    assert due_at is not None
    assert due_at.isoformat() == "2026-05-01T21:30:00+00:00"
    assert str(task_of(hour).due_on) == "2026-05-01"


def test_people_the_integration_cannot_see_are_told(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    page = workspace.add_task("Whose", assignees=[0, 1])
    value = workspace.objects[-1]["properties"]["Owner"]["people"]
    value[1] = {"object": "user", "id": "00000000-0000-4000-8000-00000000dead"}
    connect(workspace)

    work()

    assert [person.name for person in task_of(page).assignees.all()] == ["Person A Example"]
    assert Person.objects.count() == 3
    assert SyncRun.objects.get(kind="import").issues.get().code == "unknown_person"
