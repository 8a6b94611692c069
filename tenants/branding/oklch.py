"""Colours: sRGB hex to OKLCH and back, and WCAG contrast between two of them.

The conversion is Björn Ottosson's OKLab (2020, https://bottosson.github.io/posts/oklab/); contrast is the
relative luminance ratio of WCAG 2.2. Colours go back to hex, so what is measured is what a browser draws.
"""

import re
from dataclasses import dataclass
from math import atan2, cbrt, cos, degrees, hypot, radians, sin

HEX = re.compile(r"#[0-9a-f]{6}\Z")
CHROMA_STEP = 0.002


@dataclass(frozen=True, slots=True)
class Oklch:
    """Lightness 0–1, chroma 0–0.4, hue in degrees."""

    lightness: float
    chroma: float
    hue: float


def channels_of(color: str) -> tuple[float, float, float]:
    """Red, green and blue, 0–1, of `#rrggbb` in lower case.

    Raises: ValueError for anything else.
    """
    if not HEX.match(color):
        raise ValueError(f"{color!r} is not a colour like #5b5bd6.")
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _encoded(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def luminance(color: str) -> float:
    """WCAG relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = map(_linear, channels_of(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def to_oklch(color: str) -> Oklch:
    """A hex colour in OKLCH."""
    red, green, blue = map(_linear, channels_of(color))
    long = cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    green_red = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    blue_yellow = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Oklch(lightness, hypot(green_red, blue_yellow), degrees(atan2(blue_yellow, green_red)) % 360)


def _linear_channels(color: Oklch) -> tuple[float, float, float]:
    green_red = color.chroma * cos(radians(color.hue))
    blue_yellow = color.chroma * sin(radians(color.hue))
    long = (color.lightness + 0.3963377774 * green_red + 0.2158037573 * blue_yellow) ** 3
    medium = (color.lightness - 0.1055613458 * green_red - 0.0638541728 * blue_yellow) ** 3
    short = (color.lightness - 0.0894841775 * green_red - 1.2914855480 * blue_yellow) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def to_hex(lightness: float, chroma: float, hue: float) -> str:
    """The nearest hex colour that screens can show: chroma is taken away until it fits into sRGB."""
    while True:
        channels = _linear_channels(Oklch(lightness, chroma, hue))
        if chroma <= 0 or all(-0.0005 <= channel <= 1.0005 for channel in channels):
            break
        chroma = max(chroma - CHROMA_STEP, 0.0)
    levels = (round(_encoded(min(max(channel, 0.0), 1.0)) * 255) for channel in channels)
    return "#" + "".join(f"{level:02x}" for level in levels)
