"""The content of a page as values: blocks, runs of text, and what of them markdown shows; pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

LISTED: Final = ("bulleted_list_item", "numbered_list_item", "to_do", "toggle")
HEADINGS: Final = ("heading_1", "heading_2", "heading_3", "heading_4")
#: Blocks whose children stand inside them in markdown; children of all others follow at the same level.
NESTING: Final = (*LISTED, "quote", "callout", "table")
PLACEHOLDER: Final = "placeholder"
#: Media and links: a sign in front of the link's words says which.
SIGNS: Final[Mapping[str, str]] = {
    "video": "🎬",
    "audio": "🔊",
    "pdf": "📄",
    "file": "📎",
    "bookmark": "🔖",
    "embed": "🔗",
}
#: Signs of what markdown has no words for: kept as it is, a toggle, a callout without an emoji.
KEPT_SIGN, TOGGLE_SIGN, CALLOUT_SIGN = "⧉", "▸", "❝"
_LABELS: Final[Mapping[str, str]] = {
    "bookmark": "Bookmark",
    "breadcrumb": "Breadcrumb",
    "button": "Button",
    "column_list": "Columns",
    "embed": "Embed",
    "link_preview": "Link preview",
    "link_to_page": "Link to a page",
    "meeting_notes": "Meeting notes",
    "synced_block": "Synced block",
    "table_of_contents": "Table of contents",
    "template": "Template button",
    "transcription": "Meeting notes",
}
_ID: Final = re.compile(r"([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:[?&/].*)?$", re.I)


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one style. `color`, `underline` and `mention` (its JSON) are what markdown does not show."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""
    is_equation: bool = False
    color: str = "default"
    underline: bool = False
    mention: str = ""

    @property
    def shown(self) -> "Run":
        """Only what markdown shows."""
        return replace(self, color="default", underline=False, mention="")

    @property
    def style(self) -> "Run":
        """The run without its text, to compare styles."""
        return replace(self, text="")


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `id` is empty for one that does not exist there yet; `raw` is the JSON it came from.

    A `placeholder` stands for whatever markdown cannot say (`label`, `url`): it is never changed, moved or deleted.
    """

    kind: str
    runs: tuple[Run, ...] = ()
    children: tuple["Block", ...] = ()
    checked: bool = False
    language: str = ""
    url: str = ""
    icon: str = ""
    label: str = ""
    cells: tuple[tuple[Run, ...], ...] = ()
    has_header: bool = False
    id: str = field(default="", compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    @property
    def is_silent(self) -> bool:
        """An empty paragraph or table: white space between others, which markdown does not show."""
        if self.kind == "table":
            return not any(row.cells for row in self.children)
        return self.kind == "paragraph" and not self.text.strip()

    @property
    def own(self) -> "Block":
        """The block as markdown shows it, without what stands below it."""
        runs = tuple(run.shown for run in self.runs)
        cells = tuple(tuple(run.shown for run in cell) for cell in self.cells)
        # Titles of pages change over there; the address says which page it is.
        label = "" if self.kind == PLACEHOLDER and self.url else self.label
        return replace(self, runs=joined(runs), cells=cells, children=(), label=label, id="", raw={})


def joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Neighbours of one style as one run; empty ones are left out. Mentions and formulas stay single."""
    made: list[Run] = []
    for run in runs:
        last = made[-1] if made else None
        is_single = run.mention or run.is_equation
        if last is not None and not is_single and last.style == run.style and not last.is_equation:
            made[-1] = replace(last, text=last.text + run.text)
        elif run.text:
            made.append(run)
    return tuple(made)


def label_of(kind: str) -> str:
    """What a person reads instead of a block that markdown cannot say."""
    return _LABELS.get(kind, "Unsupported block")


def address_of(object_id: str) -> str:
    """The one address of a page or block; opening it shows the object there."""
    return f"https://www.notion.so/{object_id.replace('-', '').lower()}"


def stable_address(url: str) -> str:
    """An address that stays: without the signature of a hosted file, and one spelling for pages and blocks."""
    address, _, query = url.partition("?")
    if "X-Amz-" in query or "Signature=" in query:
        return address
    host = re.match(r"https?://(?:[a-z]+\.)?notion\.(?:so|com|site)/", url, re.I)
    found = _ID.search(url) if host else None
    # The path of a page ends with its id, after words of its title; a fragment names a block.
    return address_of(found[1]) if found else url


def is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def is_linkable(url: str) -> bool:
    """Whether a link may lead there; anything else is shown and written as plain words."""
    return url.startswith(("https://", "http://", "mailto:")) and len(url) <= MAX_URL_CHARS


MAX_URL_CHARS: Final = 2000
