"""Globex's two workspaces: one with a checkbox for a status, a Spanish one with ranges, formulas, rollups."""

from __future__ import annotations

from integrations.sandbox.notion.content.shapes import (
    Column,
    ProjectsShape,
    TableShape,
    WorkspaceShape,
    status_groups,
)

# The areas bear the same names all over the group, whatever the language around them.
_AREA = {
    "engineering": ("Technology", "blue"),
    "finance": ("Finance", "green"),
    "operations": ("Plants", "orange"),
    "people": ("People", "pink"),
}
_PHASE = {
    "planned": ("Idea", "gray"),
    "in_progress": ("Running", "blue"),
    "in_review": ("Running", "blue"),
    "blocked": ("On hold", "red"),
    "done": ("Finished", "green"),
    "cancelled": ("Stopped", "brown"),
}
_WORK = TableShape(
    key="globex-work",
    title="Work items",
    icon="💧",
    count=640,
    prefix="GX",
    departments={"engineering": 40, "finance": 22, "operations": 20, "people": 18},
    languages={"en": 100},
    columns=(
        Column("To do", "title", "title"),
        Column("Done", "checkbox", "done"),
        Column("Assigned to", "people", "people"),
        Column("When", "date", "due"),
        Column("Priority (1-5)", "number", "priority"),
        Column("Area", "select", "department", _AREA),
        Column("Topics", "multi_select", "tags"),
        Column("Effort h", "number", "estimate"),
        Column("Depends on", "relation", "blocked_by"),
        Column("Needed by", "relation", "blocking"),
        Column("Initiative", "relation", "project"),
        Column("No.", "unique_id", "unique"),
    ),
)
_ROUNDS = TableShape(
    key="globex-rounds",
    title="Plant rounds & safety",
    icon="🦺",
    count=220,
    prefix="PR",
    departments={"operations": 100},
    languages={"en": 88, "es": 12},
    columns=(
        Column("Round", "title", "title"),
        Column("Finished?", "checkbox", "done"),
        Column("Crew", "people", "people"),
        Column("Date", "date", "due"),
        Column(
            "Heat",
            "select",
            "priority",
            {
                "urgent": ("🔥🔥🔥", "red"),
                "high": ("🔥🔥", "orange"),
                "medium": ("🔥", "yellow"),
                "low": ("🧊", "blue"),
            },
        ),
        Column("Area", "select", "department", _AREA),
        Column("Remarks", "rich_text", "summary"),
        Column("Initiative", "relation", "project"),
    ),
)
GLOBEX_HQ = WorkspaceShape(
    key="globex-hq",
    name="Globex Group",
    company="globex",
    plan="enterprise",
    language="en",
    home_title="Globex Group wiki",
    home_text="Everything runs through **Initiatives**. Tick a work item when it is done, nothing else.",
    odd_titles=slice(2, None, 4),
    projects=ProjectsShape(
        "Initiatives",
        "🌊",
        (
            Column("Initiative", "title", "title"),
            Column("Phase", "select", "status", _PHASE),
            Column("Sponsor", "people", "people"),
            Column("Period", "date", "span"),
            Column("Area", "select", "department", _AREA),
            Column("Work items", "relation", "tasks"),
            Column("Plant rounds", "relation", "tasks"),
        ),
    ),
    tables=(_WORK, _ROUNDS),
)

_ESTADO = {
    "planned": ("Pendiente", "gray"),
    "blocked": ("Bloqueada", "red"),
    "in_progress": ("En curso", "blue"),
    "in_review": ("En revisión", "purple"),
    "done": ("Hecha", "green"),
    "cancelled": ("Descartada", "brown"),
}
_GRUPOS = status_groups("Por hacer", "En marcha", "Terminado")
_PRIORIDAD = {
    "urgent": ("Urgente", "red"),
    "high": ("Alta", "orange"),
    "medium": ("Media", "yellow"),
    "low": ("Baja", "gray"),
}
_TAREAS = TableShape(
    key="globex-tareas",
    title="Tareas",
    icon="☀️",
    count=660,
    prefix="TAR",
    departments={"engineering": 26, "finance": 26, "operations": 26, "people": 22},
    languages={"es": 88, "en": 12},
    columns=(
        Column("Tarea", "title", "title"),
        Column("Estado", "status", "status", _ESTADO, _GRUPOS),
        Column("Responsables", "people", "people"),
        Column("Plazo", "date", "span"),
        Column("Prioridad", "select", "priority", _PRIORIDAD),
        Column("Área", "select", "department", _AREA),
        Column("Etiquetas", "multi_select", "tags"),
        Column("Horas previstas", "number", "estimate"),
        Column("Depende de", "relation", "blocked_by"),
        Column("Proyecto", "relation", "project"),
        Column("Días restantes", "formula", "days_left"),
        Column("¿Atrasada?", "formula", "is_late"),
        Column("Estado del proyecto", "rollup", "project_status"),
        Column("Enlace", "url", "url"),
        Column("Correo de contacto", "email", "email"),
        Column("Teléfono", "phone_number", "phone"),
        Column("Adjuntos", "files", "files"),
        Column("Modificada por", "last_edited_by", "editor"),
    ),
)
_IBERIA = TableShape(
    key="globex-iberia",
    title="Oficina de proyectos / PMO",
    icon="📐",
    count=240,
    prefix="PMO",
    departments={"engineering": 30, "finance": 30, "operations": 20, "people": 20},
    languages={"es": 60, "en": 40},
    columns=(
        Column("Asunto", "title", "title"),
        Column("Fase", "select", "status", _ESTADO),
        Column("Dueño", "people", "people"),
        Column("Fecha límite", "date", "due"),
        Column("Importancia", "number", "priority"),
        Column("Equipo", "select", "department", _AREA),
        Column("Resumen", "rich_text", "summary"),
        Column("Proyecto", "relation", "project"),
        Column("Cerrado el", "date", "completed"),
    ),
)
GLOBEX_ES = WorkspaceShape(
    key="globex-es",
    name="Globex Iberia",
    company="globex",
    plan="business",
    language="es",
    home_title="Globex Iberia: inicio",
    home_text="Aquí están los **Proyectos**, las tareas de cada área y la oficina de proyectos.",
    odd_titles=slice(3, None, 4),
    projects=ProjectsShape(
        "Proyectos",
        "🌊",
        (
            Column("Proyecto", "title", "title"),
            Column("Estado", "status", "status", _ESTADO, _GRUPOS),
            Column("Dirección", "people", "people"),
            Column("Periodo", "date", "span"),
            Column("Área", "select", "department", _AREA),
            Column("Tareas", "relation", "tasks"),
            Column("PMO", "relation", "tasks"),
            Column("Tareas enlazadas", "rollup", "task_count"),
        ),
    ),
    tables=(_TAREAS, _IBERIA),
)
