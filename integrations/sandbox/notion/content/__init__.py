"""Demo content for the Notion sandbox: two invented companies with two Notion workspaces each."""

from integrations.sandbox.notion.content.workspace import DemoWorkspace, build_demo_workspaces, write_ndjson

__all__ = ["DemoWorkspace", "build_demo_workspaces", "write_ndjson"]
