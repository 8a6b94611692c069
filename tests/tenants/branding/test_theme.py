"""Whatever colour a company chooses, its pages can be read."""

import re
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenants.branding.oklch import contrast, to_oklch
from tenants.branding.theme import digest, stylesheet, tokens

# The console's surfaces without tint, as tokens.css has them: page, card, hover, active.
LIGHT = ("#f6f6f6", "#ffffff", "#eeeeee", "#e7e7e7")
DARK = ("#0c0c0c", "#141414", "#1c1c1c", "#212121")
colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
GRID = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in product((0, 64, 128, 191, 255), repeat=3)]


def assert_readable(brand: str) -> None:
    made = tokens(brand)
    for mode, surfaces in (("l", LIGHT), ("d", DARK)):
        ink = made[f"brand-ink-{mode}"]
        assert contrast(ink, made[f"brand-{mode}"]) >= 4.5
        assert contrast(ink, made[f"brand-hover-{mode}"]) >= 4.5
        text = made[f"brand-text-{mode}"]
        assert contrast(text, made[f"brand-soft-{mode}"]) >= 4.5
        assert min(contrast(text, surface) for surface in surfaces) >= 4.5
        assert min(contrast(made[f"ring-{mode}"], surface) for surface in surfaces) >= 3


@given(colors)
@example("#5b5bd6")
@example("#ffd400")
@example("#111111")
@example("#8bd3ff")
@example("#e11d48")
def test_text_fills_and_rings_keep_their_contrast_in_light_and_dark(brand: str) -> None:
    assert_readable(brand)


@pytest.mark.parametrize("brand", GRID)
def test_the_same_holds_over_the_whole_colour_cube(brand: str) -> None:
    assert_readable(brand)


def test_the_light_fill_is_the_colour_that_was_chosen() -> None:
    assert tokens("#ffd400")["brand-l"] == "#ffd400"


def test_black_turns_over_on_dark_pages_instead_of_looking_switched_off() -> None:
    assert to_oklch(tokens("#111111")["brand-d"]).lightness > 0.85
    assert tokens("#ffd400")["brand-d"] == "#ffd400"


def test_a_grey_brand_gives_surfaces_without_a_tint() -> None:
    assert tokens("#111111")["nc"] == "0"
    assert tokens("#5b5bd6")["nc"] == "0.006"


@given(colors)
def test_a_style_sheet_holds_custom_properties_and_nothing_else(brand: str) -> None:
    property_form = r"--[a-z-]+:(#[0-9a-f]{6}|[0-9.]+);"
    assert re.fullmatch(rf"@layer tenant\{{:root\{{({property_form})+\}}\}}\n", stylesheet(brand))


def test_the_digest_changes_with_the_colour_and_only_then() -> None:
    assert digest("#5b5bd6") == digest("#5b5bd6") != digest("#5b5bd7")


def test_css_cannot_be_smuggled_in_as_a_colour() -> None:
    with pytest.raises(ValueError, match="is not a colour"):
        stylesheet("#fff}body{display:none")
