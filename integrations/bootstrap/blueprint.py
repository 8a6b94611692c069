"""The core databases of a company: what each is called, its columns, relations and views; data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from integrations.capabilities import FieldKind
from integrations.capabilities.workspace_builder import NewField, NewOption, ViewKind

_K = FieldKind


@dataclass(frozen=True, slots=True)
class Relation:
    """A column that points to another database of the blueprint, or to its own."""

    name: str
    to: str
    name_there: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A view by the names of the columns it needs."""

    name: str
    kind: ViewKind
    group: str = ""
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """One database. `words` are other names people give such a database, for finding one that is there already."""

    key: str
    title: str
    icon: str
    about: str
    fields: tuple[NewField, ...]
    relations: tuple[Relation, ...] = ()
    views: tuple[View, ...] = ()
    words: tuple[str, ...] = field(default=())


def _options(**colors: str) -> tuple[NewOption, ...]:
    return tuple(NewOption(name.replace("_", " "), color) for name, color in colors.items())


_TASK_STATES = _options(
    Planned="gray", In_progress="blue", Blocked="red", In_review="purple", Done="green", Cancelled="default"
)
_PRIORITIES = _options(Urgent="red", High="orange", Medium="yellow", Low="blue")

#: In the order in which they are made: what is pointed to comes first.
BLUEPRINT: Final[tuple[Database, ...]] = (
    Database(
        "departments", "Departments", "🏢", "Who does what.",
        (
            NewField("Name", _K.TITLE), NewField("Key", _K.TEXT), NewField("Lead", _K.PEOPLE),
            NewField("Purpose", _K.TEXT),
        ),
        words=("department", "teams", "team", "abteilungen", "departamentos", "départements"),
    ),
    Database(
        "people", "People", "🧑", "Everybody who does work, and what they are good at.",
        (
            NewField("Name", _K.TITLE), NewField("Account", _K.PEOPLE), NewField("Email", _K.EMAIL),
            NewField("Skills", _K.CHOICES), NewField("Hours a week", _K.NUMBER), NewField("Active", _K.CHECKBOX),
        ),
        (Relation("Department", "departments", "People"),),
        (View("By skill", ViewKind.TABLE),),
        ("team members", "skills", "mitarbeiter", "personas", "personnes", "people skills", "people and skills"),
    ),
    Database(
        "projects", "Projects", "📁", "Tasks that belong together.",
        (
            NewField("Name", _K.TITLE),
            NewField("Status", _K.CHOICE, _options(Planned="gray", Active="blue", On_hold="yellow", Done="green")),
            NewField("Lead", _K.PEOPLE), NewField("Dates", _K.DATE),
        ),
        (Relation("Department", "departments", "Projects"),),
        (View("By status", ViewKind.BOARD, group="Status"), View("Timeline", ViewKind.TIMELINE, start="Dates")),
        ("project", "initiatives", "epics", "projekte", "proyectos", "projets"),
    ),
    Database(
        "milestones", "Milestones", "🏁", "What has to be reached by when.",
        (NewField("Name", _K.TITLE), NewField("Due", _K.DATE), NewField("Reached", _K.CHECKBOX)),
        (Relation("Project", "projects", "Milestones"),),
        (View("Calendar", ViewKind.CALENDAR, start="Due"),),
        ("milestone", "goals", "meilensteine", "hitos", "jalons"),
    ),
    Database(
        "tasks", "Tasks", "✅", "Every piece of work.",
        (
            NewField("Name", _K.TITLE), NewField("Status", _K.CHOICE, _TASK_STATES),
            NewField("Priority", _K.CHOICE, _PRIORITIES), NewField("Assignees", _K.PEOPLE),
            NewField("Start date", _K.DATE), NewField("Due date", _K.DATE), NewField("Completed on", _K.DATE),
            NewField("Estimate (h)", _K.NUMBER), NewField("Tags", _K.CHOICES), NewField("Department", _K.CHOICE),
        ),
        (
            Relation("Project", "projects", "Tasks"), Relation("Milestone", "milestones", "Tasks"),
            Relation("Parent task", "tasks", "Parts"), Relation("Blocked by", "tasks", "Blocks"),
        ),
        (
            View("Board", ViewKind.BOARD, group="Status"), View("Calendar", ViewKind.CALENDAR, start="Due date"),
            View("Timeline", ViewKind.TIMELINE, start="Start date", end="Due date"),
            View("By department", ViewKind.TABLE, group="Department"),
        ),
        ("task", "to do", "todo", "tickets", "backlog", "issues", "work", "aufgaben", "tareas", "tâches"),
    ),
    Database(
        "templates", "Templates", "🧩", "Work that comes again, described once.",
        (
            NewField("Name", _K.TITLE), NewField("Department", _K.CHOICE), NewField("Priority", _K.CHOICE, _PRIORITIES),
            NewField("Estimate (h)", _K.NUMBER), NewField("Tags", _K.CHOICES), NewField("Active", _K.CHECKBOX),
        ),
        words=("template", "task templates", "vorlagen", "plantillas", "modèles"),
    ),
    Database(
        "job_reviews", "Job Reviews", "🔎", "Finished work, looked at by somebody else.",
        (
            NewField("Name", _K.TITLE),
            NewField("Result", _K.CHOICE, _options(Approved="green", Changes_wanted="yellow", Rejected="red")),
            NewField("Reviewer", _K.PEOPLE), NewField("Score", _K.NUMBER), NewField("Reviewed on", _K.DATE),
            NewField("Notes", _K.TEXT),
        ),
        (Relation("Task", "tasks", "Reviews"),),
        (View("By result", ViewKind.BOARD, group="Result"),),
        ("reviews", "job review", "quality", "prüfungen", "revisiones", "revues"),
    ),
)  # fmt: skip
BY_KEY: Final[Mapping[str, Database]] = {database.key: database for database in BLUEPRINT}

#: Where views cannot be made, the same figures are kept as rows.
FIGURES: Final = Database(
    "figures", "Key figures", "📊", "Counts by department, written every night.",
    (
        NewField("Name", _K.TITLE), NewField("Open", _K.NUMBER), NewField("Overdue", _K.NUMBER),
        NewField("Done in 7 days", _K.NUMBER), NewField("New in 7 days", _K.NUMBER), NewField("As of", _K.DATE),
    ),
    words=("kennzahlen", "cifras clave", "chiffres clés"),
)  # fmt: skip

DASHBOARD_TITLE: Final = "Dashboard"
DASHBOARD_TEXT: Final = "Views of the core databases. They show what is in the databases just now."
DASHBOARD: Final[tuple[tuple[str, View], ...]] = (
    ("tasks", View("Tasks by status", ViewKind.DONUT, group="Status")),
    ("tasks", View("Tasks by department", ViewKind.BARS, group="Department")),
    ("tasks", View("Tasks by priority", ViewKind.BARS, group="Priority")),
    ("projects", View("Projects by status", ViewKind.DONUT, group="Status")),
    ("milestones", View("Milestones ahead", ViewKind.CALENDAR, start="Due")),
)
