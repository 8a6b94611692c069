"""Texts that cannot be stored as they come, and more of everything than anybody expects, over a real connection."""

from collections.abc import Callable

from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from tasks.models import Person, Project, Task
from tests.factories.notion import NotionWorkspace, rich

type Connect = Callable[[NotionWorkspace], Connection]
type Work = Callable[[], None]

FAMILY = "👩‍👩‍👧‍👦"
HEBREW = "תיקון הטורבינה ‏(דחוף)"


def task_of(page: str) -> Task:
    return Task.objects.get(external_links__remote_id=page)


def assert_complete(workspace: NotionWorkspace) -> None:
    run = SyncRun.objects.get(kind="import")
    assert (run.state, run.failed, list(run.issues.values_list("code", flat=True))) == ("succeeded", 0, [])
    assert Task.objects.count() == workspace.made


def test_lone_halves_of_signs_and_nul_are_made_storable_wherever_they_stand(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    workspace.users[1]["name"] = "Half \ud83d Example\x00"
    project = workspace.add_project("Dam wall")
    workspace.objects[-1]["properties"]["Name"]["title"] = rich("Dam \udc00 wall\x00")
    odd = workspace.add_task(
        "Cut \ud800 short\x00",
        project=project,
        assignees=[1],
        tags=["to\x00day", "half \udfff"],
        body=["First \x00 line \ud83d", "Second line"],
    )
    whole = workspace.add_task("Whole 🧱")
    connect(workspace)

    work()

    assert_complete(workspace)
    task = task_of(odd)
    assert task.title.startswith("Cut ")
    assert task.title.endswith(" short")
    assert sorted(task.tags)[1] == "today"
    assert task.project is not None
    assert task.project == Project.objects.get()
    assert task.project.name.startswith("Dam ")
    person = task.assignees.get()
    assert person.name.startswith("Half ")
    assert "Second line" in task.description
    stored = [task.title, *task.tags, task.project.name, person.name, task.description]
    assert not [
        text for text in stored if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text)
    ]
    assert task_of(whole).title == "Whole 🧱"


def test_a_title_of_many_runs_comes_whole_with_signs_at_every_seam(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    title = "".join(f"{'x' * 1997}{FAMILY}{HEBREW}" for _ in range(6)).strip()
    page = workspace.add_task(title)
    connect(workspace)

    work()

    assert_complete(workspace)
    assert len(title) > 12_000
    assert task_of(page).title == title


def test_a_column_with_three_thousand_options_is_proposed_shown_and_read(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    options = [{"id": f"o{number}", "name": f"Label {number}", "color": "gray"} for number in range(3000)]
    source = next(item for item in workspace.objects if item["id"] == workspace.tasks_id)
    source["properties"]["Tags"]["multi_select"]["options"] = options
    pages = [workspace.add_task(f"Row {n}", tags=[f"Label {n}", f"Label {2999 - n}"]) for n in range(5)]
    connect(workspace)

    work()

    assert_complete(workspace)
    assert sorted(task_of(pages[3]).tags) == ["Label 2996", "Label 3"]
    assert SyncedCollection.objects.get(role="tasks").state == "ready"


def test_people_and_tags_with_the_longest_names_arrive_or_are_told(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    workspace.users[0]["name"] = "Name " * 200
    long_tag = "t" * 100
    page = workspace.add_task(
        "Long", assignees=[0], tags=[long_tag], project=workspace.add_project("P " * 900)
    )
    connect(workspace)

    work()

    run = SyncRun.objects.get(kind="import")
    assert (run.state, run.failed, Task.objects.count()) == ("succeeded", 0, 1)
    task = task_of(page)
    assert task.tags == [long_tag]
    assert task.assignees.get() == Person.objects.get(name__startswith="Name Name")
    assert task.project is not None
    assert task.project.name.startswith("P P")


def test_a_text_of_a_hundred_thousand_signs_arrives(
    connect: Connect, workspace: NotionWorkspace, work: Work
) -> None:
    paragraph = f"{HEBREW} {FAMILY} " * 60
    page = workspace.add_task("Long text", body=[paragraph] * 50)
    connect(workspace)

    work()

    assert_complete(workspace)
    assert task_of(page).description.count(FAMILY) == 50 * 60
