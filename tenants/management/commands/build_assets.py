"""Build what the console serves but the repository does not hold: Inter, cut down to the letters we need."""

from argparse import ArgumentParser
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from fontpkg_inter import ROOT  # type: ignore[import-untyped]
from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from fontTools.varLib.instancer import instantiateVariableFont  # type: ignore[import-untyped]

SOURCE = Path(ROOT) / "files" / "Inter[opsz,wght].ttf"
# Latin with its accents and Latin Extended-A, punctuation, currency, arrows and the few signs pages use.
LETTERS = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *range(0x2010, 0x2030),
    *range(0x2030, 0x2040),
    0x20AC,
    0x2122,
    *range(0x2190, 0x2194),
    0x21B5,
    0x2212,
    0x2248,
    0x2318,
]
FEATURES = ["kern", "liga", "calt", "ccmp", "locl", "mark", "mkmk", "tnum", "cv11", "ss03", "case"]
WEIGHTS = (400, 700)
STYLES = """@font-face {{
  font-family: "Inter";
  src: url("inter-latin.woff2") format("woff2");
  font-weight: {low} {high};
  font-display: swap;
  unicode-range: {ranges};
}}
"""


class Command(BaseCommand):
    """`manage.py build_assets`: quick when nothing changed, `--force` builds anyway."""

    requires_system_checks = ()  # it must run before anything else stands
    help = "Build the font the console serves (var/static-build/fonts)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="Build even if it is up to date.")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.STATICFILES_DIRS[0]) / "fonts"
        stamp = folder / "built-from.txt"
        wanted = f"fontpkg-inter {version('fontpkg-inter')}, {len(LETTERS)} letters, weights {WEIGHTS}\n"
        if not options["force"] and stamp.exists() and stamp.read_text() == wanted:
            self.stdout.write("The font is up to date.")
            return
        folder.mkdir(parents=True, exist_ok=True)
        size = build_font(folder / "inter-latin.woff2")
        low, high = WEIGHTS
        styles = STYLES.format(low=low, high=high, ranges=unicode_ranges(LETTERS))
        (folder / "inter.css").write_text(styles)
        # Written last: a build that was broken off is built again.
        stamp.write_text(wanted)
        self.stdout.write(f"Built Inter: {size / 1024:.0f} kB.")


def build_font(target: Path) -> int:
    """Write the subset as WOFF2 with one axis, its weight; returns its size in bytes."""
    options = Options(
        layout_features=FEATURES, hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 13, 14]
    )
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=LETTERS)
    with TTFont(SOURCE, lazy=True) as font:
        subsetter.subset(font)
        instantiateVariableFont(font, {"opsz": None, "wght": WEIGHTS}, inplace=True)
        font.flavor = "woff2"
        font.save(target)
    return target.stat().st_size


def unicode_ranges(letters: list[int]) -> str:
    """Code points as CSS ranges: `U+20-7E, U+20AC`."""
    runs: list[list[int]] = []
    for letter in sorted(set(letters)):
        if runs and runs[-1][1] == letter - 1:
            runs[-1][1] = letter
        else:
            runs.append([letter, letter])
    return ", ".join(f"U+{low:X}" if low == high else f"U+{low:X}-{high:X}" for low, high in runs)
