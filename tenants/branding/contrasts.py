"""What a brand colour becomes, measured: the contrast of every pair it is read in, in light and dark."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.branding.oklch import contrast, to_hex
from tenants.branding.theme import tokens

type Mode = Literal["light", "dark"]
TEXT_NEEDS, EDGE_NEEDS = 4.5, 3.0
LABELS: Final[Mapping[str, Promise]] = {
    "button": _("Button"), "tint": _("Tint"), "link": _("Link"), "focus": _("Focus"),
}  # fmt: skip
# The surface that cards and forms stand on (`tokens.css`), as lightness.
SURFACES: Final[Mapping[Mode, float]] = {"light": 1.0, "dark": 0.188}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One pair of colours: its ratio, and what WCAG 2.2 AA asks for."""

    part: str
    mode: Mode
    foreground: str
    background: str
    ratio: float
    needed: float

    @property
    def label(self) -> Promise:
        """What a person calls the part."""
        return LABELS[self.part]

    @property
    def is_enough(self) -> bool:
        """Whether it can be read."""
        return self.ratio >= self.needed

    @property
    def shown(self) -> str:
        """The ratio as people write it; never rounded up to what it is not."""
        return f"{int(self.ratio * 10) / 10:.1f}:1"


def readings(color: str) -> list[Reading]:
    """The measured pairs of a brand colour, light before dark. Raises: ValueError when it is no `#rrggbb`."""
    made = tokens(color)
    found = []
    modes: tuple[tuple[Mode, str], ...] = (("light", "l"), ("dark", "d"))
    for mode, ending in modes:
        surface = to_hex(SURFACES[mode], 0, 0)
        pairs = (
            ("button", made[f"brand-ink-{ending}"], made[f"brand-{ending}"], TEXT_NEEDS),
            ("tint", made[f"brand-text-{ending}"], made[f"brand-soft-{ending}"], TEXT_NEEDS),
            ("link", made[f"brand-text-{ending}"], surface, TEXT_NEEDS),
            ("focus", made[f"ring-{ending}"], surface, EDGE_NEEDS),
        )
        found += [
            Reading(
                part=part,
                mode=mode,
                foreground=ink,
                background=ground,
                ratio=contrast(ink, ground),
                needed=needed,
            )
            for part, ink, ground, needed in pairs
        ]
    return found
