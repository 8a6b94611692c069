"""The files from which the demo's sandbox is filled: made once, then kept, so that a second run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from integrations.sandbox.notion.content import build_demo_workspaces, write_ndjson
from integrations.sandbox.notion.content.shapes import WorkspaceShape
from integrations.sandbox.notion.content.workspace import WORKSPACES
from integrations.sandbox.notion.content.writer import token_of

SEED = 2026


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """One workspace of an invented company and the file it is loaded from."""

    shape: WorkspaceShape
    path: Path

    @property
    def token(self) -> str:
        """The token that connects the company to this workspace."""
        return token_of(self.shape)


def ensure_workspace_files(folder: Path) -> list[WorkspaceFile]:
    """Return the four workspaces' files, writing those that are missing. Raises: OSError."""
    files = [
        WorkspaceFile(shape, folder / f"{shape.key}.ndjson")
        for shapes in WORKSPACES.values()
        for shape in shapes
    ]
    missing = {file.shape.company for file in files if not file.path.exists()}
    for company in sorted(missing):
        for workspace in build_demo_workspaces(company, now=datetime.now(UTC), seed=SEED):
            path = folder / f"{workspace.key}.ndjson"
            # In two steps: a run that is broken off leaves no half file behind.
            write_ndjson(workspace, path.with_suffix(".part"))
            path.with_suffix(".part").replace(path)
    return files
