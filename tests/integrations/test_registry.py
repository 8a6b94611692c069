"""Connector folders and their manifests."""

from pathlib import Path

import pytest

from integrations.registry import InvalidManifest, connector, connectors, open_task_source, read_manifest
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


def test_an_unknown_connector_is_not_found() -> None:
    with pytest.raises(NotFound):
        open_task_source("nobody", token=Secret("x"))


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
