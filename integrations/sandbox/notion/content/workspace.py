"""The invented companies' Notion workspaces as Notion's API would return them, and their NDJSON files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from integrations.sandbox.notion.content.grammar import company_named
from integrations.sandbox.notion.content.plot import Plot, cast_of
from integrations.sandbox.notion.content.shapes import WorkspaceShape
from integrations.sandbox.notion.content.shapes_acme import ACME_DE, ACME_HQ
from integrations.sandbox.notion.content.shapes_globex import GLOBEX_ES, GLOBEX_HQ
from integrations.sandbox.notion.content.story import reference_moment
from integrations.sandbox.notion.content.values import Json
from integrations.sandbox.notion.content.writer import WorkspaceWriter, token_of

WORKSPACES: dict[str, tuple[WorkspaceShape, ...]] = {
    "acme": (ACME_HQ, ACME_DE),
    "globex": (GLOBEX_HQ, GLOBEX_ES),
}


@dataclass(frozen=True, slots=True)
class DemoWorkspace:
    """One workspace: `objects` begins with the sandbox's own header line and holds everything in it."""

    key: str
    name: str
    company: str
    token: str
    task_count: int
    objects: tuple[Json, ...]


def build_demo_workspaces(company: str, *, now: datetime, seed: int) -> list[DemoWorkspace]:
    """Return the two Notion workspaces of `acme` or `globex`, the same for the same seed and day of `now`.

    Raises: KeyError for another company.
    """
    reference = reference_moment(now)
    built = []
    for shape in WORKSPACES[company]:
        named = company_named(company)
        cast = cast_of(named, seed)
        plot = Plot(shape, named, cast, reference=reference, seed=seed).unfold()
        objects = tuple(WorkspaceWriter(shape, cast, plot, reference=reference, seed=seed).objects())
        count = sum(len(tasks) for tasks in plot.tables.values())
        built.append(DemoWorkspace(shape.key, shape.name, company, token_of(shape), count, objects))
    return built


def write_ndjson(workspace: DemoWorkspace, path: Path) -> None:
    """Write the workspace to a file the sandbox can load: UTF-8, one object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for line in workspace.objects:
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
            file.write("\n")
