"""Colours go to OKLCH and back without changing, and contrast is what WCAG says it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.branding.oklch import contrast, luminance, to_hex, to_oklch

colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(colors)
def test_a_colour_survives_the_trip_there_and_back(color: str) -> None:
    there = to_oklch(color)
    back = to_hex(there.lightness, there.chroma, there.hue)
    for at in (1, 3, 5):
        assert abs(int(color[at : at + 2], 16) - int(back[at : at + 2], 16)) <= 1


@given(colors, colors)
def test_contrast_does_not_depend_on_the_order_and_stays_between_one_and_twentyone(
    one: str, other: str
) -> None:
    assert contrast(one, other) == contrast(other, one)
    assert 1 <= contrast(one, other) <= 21.0001


def test_known_values_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert luminance("#ff0000") == pytest.approx(0.2126, abs=1e-4)
    red = to_oklch("#ff0000")
    assert (red.lightness, red.chroma, red.hue) == pytest.approx((0.628, 0.2577, 29.23), abs=0.01)


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 360))
def test_any_oklch_colour_becomes_one_a_screen_can_show(lightness: float, chroma: float, hue: float) -> None:
    shown = to_oklch(to_hex(lightness, chroma, hue))
    assert shown.chroma <= chroma + 0.01
    # One step of an 8-bit channel is a large step of lightness near black.
    assert abs(shown.lightness - lightness) < (0.02 if lightness > 0.15 else 0.08)


@pytest.mark.parametrize(
    "text", ["", "#fff", "5b5bd6", "#5B5BD6", "#5b5bd6;}", "#5b5bd6\n", "red", "#gggggg"]
)
def test_anything_but_a_lower_case_hex_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a colour"):
        to_oklch(text)
