"""The font is cut down to our letters and one axis, and built again only when something changed."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from tenants.management.commands.build_assets import unicode_ranges


def build(*arguments: str) -> str:
    out = StringIO()
    call_command("build_assets", *arguments, stdout=out)
    return out.getvalue()


def test_the_font_holds_our_letters_in_little_space(tmp_path: Path, settings: Any) -> None:
    settings.STATICFILES_DIRS = [tmp_path]
    assert "Built" in build()
    path = tmp_path / "fonts" / "inter-latin.woff2"
    assert path.stat().st_size < 60 * 1024
    with TTFont(path) as font:
        assert font.flavor == "woff2"
        assert [axis.axisTag for axis in font["fvar"].axes] == ["wght"]
        assert {ord(letter) for letter in "Aøßñčşĳ€→≈⌘…“”"} <= set(font.getBestCmap())
    styles = (tmp_path / "fonts" / "inter.css").read_text()
    assert 'url("inter-latin.woff2")' in styles
    assert "U+20-7E" in styles
    assert "up to date" in build()
    path.unlink()
    (tmp_path / "fonts" / "built-from.txt").unlink()
    assert "Built" in build()


@pytest.mark.parametrize(
    ("letters", "ranges"), [([65], "U+41"), ([65, 66, 67], "U+41-43"), ([0x20AC, 66, 65], "U+41-42, U+20AC")]
)
def test_code_points_are_written_as_ranges(letters: list[int], ranges: str) -> None:
    assert unicode_ranges(letters) == ranges
