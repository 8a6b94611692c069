"""Connector folders and their manifests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from integrations import registry
from integrations.registry import (
    Capability,
    InvalidManifest,
    connector,
    connectors,
    open_task_sink,
    open_task_source,
    read_manifest,
)
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import NotFound

NOTION = Path("integrations/connectors/notion/manifest.toml")


def test_every_folder_of_a_connector_has_what_it_needs() -> None:
    for key in connectors():
        folder = NOTION.parent.parent / key
        assert {"manifest.toml", "client.py", "mapping.py", "README.md"} <= {
            path.name for path in folder.iterdir()
        }
        readme = (folder / "README.md").read_text()
        assert all(scope in readme for scope in connector(key).auth.scopes)


@pytest.mark.parametrize("open_door", [open_task_source, open_task_sink])
def test_an_unknown_connector_is_not_found(open_door: Callable[..., object]) -> None:
    with pytest.raises(NotFound):
        open_door("nobody", token=Secret("x"))


@pytest.mark.parametrize(
    ("open_door", "capability"),
    [(open_task_source, Capability.TASK_SOURCE), (open_task_sink, Capability.TASK_SINK)],
)
def test_a_door_opens_only_where_the_manifest_says_so(
    monkeypatch: pytest.MonkeyPatch, open_door: Callable[..., object], capability: Capability
) -> None:
    assert open_door("notion", token=Secret("x"))

    left = [other for other in Capability if other is not capability]
    closed = connector("notion").model_copy(update={"capabilities": left})
    monkeypatch.setattr(registry, "connectors", lambda: {"notion": closed})
    with pytest.raises(NotFound):
        open_door("notion", token=Secret("x"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('key = "notion"', 'key = "Notion"'),
        ('key = "notion"', 'key = "other"'),
        ('kind = "bearer_token"', 'kind = "magic"'),
        ('base_url = "https://', 'base_url = "http://'),
        ('hosts = ["api.notion.com"]', 'hosts = ["elsewhere.example"]'),
        ("window_seconds = 60", "window_seconds = 0"),
        ("page_size = 100", 'page_size = "100"'),
        ("[secrets]", "[surprise]"),
        ("[secrets]", "[[["),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_name(tmp_path: Path, before: str, after: str) -> None:
    text = NOTION.read_text()
    assert before in text
    folder = tmp_path / "notion"
    folder.mkdir()
    (folder / "manifest.toml").write_text(text.replace(before, after))

    with pytest.raises(InvalidManifest, match=r"notion/manifest\.toml"):
        read_manifest(folder / "manifest.toml")
