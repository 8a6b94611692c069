"""Acme's two workspaces: head office in English with a status property, the German company with selects."""

from __future__ import annotations

from integrations.sandbox.notion.content.shapes import (
    Column,
    ProjectsShape,
    TableShape,
    WorkspaceShape,
    status_groups,
)

_STATUS = {
    "planned": ("Not started", "gray"),
    "blocked": ("Blocked", "red"),
    "in_progress": ("In progress", "blue"),
    "in_review": ("In review", "purple"),
    "done": ("Done", "green"),
    "cancelled": ("Cancelled", "brown"),
}
_PRIORITY = {
    "urgent": ("P0", "red"),
    "high": ("P1", "orange"),
    "medium": ("P2", "yellow"),
    "low": ("P3", "gray"),
}
# The departments bear the same names all over the company, whatever the language around them.
_TEAM = {
    "engineering": ("Engineering", "blue"),
    "finance": ("Finance", "green"),
    "operations": ("Operations", "orange"),
    "people": ("People & Legal", "pink"),
}
_GROUPS = status_groups("To-do", "In progress", "Complete")

_ENGINEERING = TableShape(
    key="acme-engineering",
    title="Engineering & IT",
    icon="🛠️",
    count=1180,
    prefix="ENG",
    departments={"engineering": 100},
    languages={"en": 95, "de": 5},
    columns=(
        Column("Task name", "title", "title"),
        Column("Status", "status", "status", _STATUS, _GROUPS),
        Column("Owner", "people", "people"),
        Column("Due", "date", "due"),
        Column("Priority", "select", "priority", _PRIORITY),
        Column("Team", "select", "department", _TEAM),
        Column("Tags", "multi_select", "tags"),
        Column("Estimate", "number", "estimate"),
        Column("Blocked by", "relation", "blocked_by"),
        Column("Blocking", "relation", "blocking"),
        Column("Project", "relation", "project"),
        Column("ID", "unique_id", "unique"),
        Column("Completed on", "date", "completed"),
        Column("Created", "created_time", "created"),
        Column("Last edited", "last_edited_time", "edited"),
    ),
)
_COMPANY = TableShape(
    key="acme-company",
    title="Company tasks",
    icon="📋",
    count=560,
    prefix="CO",
    departments={"finance": 36, "operations": 36, "people": 28},
    languages={"en": 100},
    columns=(
        Column("Name", "title", "title"),
        Column("State", "status", "status", _STATUS, _GROUPS),
        Column("Responsible", "people", "people"),
        Column("Deadline", "date", "due"),
        Column("Priority", "select", "priority", _PRIORITY),
        Column("Department", "select", "department", _TEAM),
        Column("Labels", "multi_select", "tags"),
        Column("Hours", "number", "estimate"),
        Column("Waiting on", "relation", "blocked_by"),
        Column("Project", "relation", "project"),
        Column("Closed", "date", "completed"),
    ),
)
ACME_HQ = WorkspaceShape(
    key="acme-hq",
    name="Acme Head Office",
    company="acme",
    plan="business",
    language="en",
    home_title="Acme Home",
    home_text="Start here: **Projects**, the engineering board and everything the company has to do.",
    odd_titles=slice(0, None, 4),
    projects=ProjectsShape(
        "Projects",
        "🗂️",
        (
            Column("Project name", "title", "title"),
            Column("Status", "status", "status", _STATUS, _GROUPS),
            Column("Lead", "people", "people"),
            Column("Timeline", "date", "span"),
            Column("Team", "select", "department", _TEAM),
            Column("Engineering tasks", "relation", "tasks"),
            Column("Company tasks", "relation", "tasks"),
        ),
    ),
    tables=(_ENGINEERING, _COMPANY),
)

_STAND = {
    "planned": ("Offen", "gray"),
    "in_progress": ("In Arbeit", "blue"),
    "in_review": ("Zur Prüfung", "purple"),
    "blocked": ("Wartet", "red"),
    "done": ("Erledigt", "green"),
    "cancelled": ("Verworfen", "brown"),
}
_DRINGLICHKEIT = {
    "urgent": ("Sofort", "red"),
    "high": ("Hoch", "orange"),
    "medium": ("Mittel", "yellow"),
    "low": ("Niedrig", "gray"),
}
_AUFGABEN = TableShape(
    key="acme-aufgaben",
    title="Aufgaben",
    icon="✅",
    count=760,
    prefix="AUF",
    departments={"engineering": 26, "finance": 26, "operations": 26, "people": 22},
    languages={"de": 90, "en": 10},
    columns=(
        Column("Aufgabe", "title", "title"),
        Column("Stand", "select", "status", _STAND),
        Column("Zuständig", "people", "people"),
        Column("Fällig", "date", "due"),
        Column("Dringlichkeit", "select", "priority", _DRINGLICHKEIT),
        Column("Abteilung", "select", "department", _TEAM),
        Column("Schlagworte", "multi_select", "tags"),
        Column("Aufwand (h)", "number", "estimate"),
        Column("Blockiert durch", "relation", "blocked_by"),
        Column("Projekt", "relation", "project"),
        Column("Erledigt am", "date", "completed"),
        Column("Angelegt von", "created_by", "author"),
    ),
)
_WERKSTATT = TableShape(
    key="acme-werkstatt",
    title="Werkstatt und Lager",
    icon="🏭",
    count=340,
    prefix="WL",
    departments={"operations": 100},
    languages={"de": 100},
    columns=(
        Column("Was ist zu tun?", "title", "title"),
        Column("Stand", "select", "status", _STAND),
        Column("Wer", "people", "people"),
        Column("Bis wann", "date", "due"),
        Column("Dringlichkeit", "select", "priority", _DRINGLICHKEIT),
        Column("Bereich", "select", "department", _TEAM),
        Column("Notiz", "rich_text", "summary"),
        Column("Vorhaben", "relation", "project"),
        Column("Zuletzt geändert", "last_edited_time", "edited"),
    ),
)
ACME_DE = WorkspaceShape(
    key="acme-de",
    name="Acme Deutschland",
    company="acme",
    plan="plus",
    language="de",
    home_title="Acme Deutschland: Startseite",
    home_text="Hier geht es zu **Projekten**, Aufgaben sowie Werkstatt und Lager.",
    odd_titles=slice(1, None, 4),
    projects=ProjectsShape(
        "Projekte",
        "🗂️",
        (
            Column("Projekt", "title", "title"),
            Column("Stand", "select", "status", _STAND),
            Column("Leitung", "people", "people"),
            Column("Zeitraum", "date", "span"),
            Column("Abteilung", "select", "department", _TEAM),
            Column("Aufgaben", "relation", "tasks"),
            Column("Werkstatt und Lager", "relation", "tasks"),
        ),
    ),
    tables=(_AUFGABEN, _WERKSTATT),
)
