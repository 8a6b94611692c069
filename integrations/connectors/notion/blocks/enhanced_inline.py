"""What stands inside a line of Notion's enhanced markdown, as ordinary markdown: mentions, tags, formulas; pure."""

import re
from collections.abc import Mapping
from typing import Final

_ATTRIBUTE: Final = re.compile(r'([A-Za-z-]+)="([^"]*)"')
_INLINE: Final = re.compile(
    r'<(mention-[a-z-]+|page|database|file|video|audio|pdf|unknown)((?:\s+[A-Za-z-]+="[^"]*")*)\s*(?:/>|>(.*?)</\1>)'
)
_PLAIN: Final = re.compile(r"(?<!\\)([&_])")
_SPAN: Final = re.compile(r"</?span(?:\s+[a-z_]+=\"[^\"]*\")*>")


def inline_markdown(text: str) -> str:
    """Mentions as their words, pages and files as links, marks without colours, `<br>` as the end of a line."""
    parts = re.split(r"(`[^`]*`)", text)  # code is nobody's markup
    for place in range(0, len(parts), 2):
        part = _INLINE.sub(reference, parts[place])
        # Notion escapes neither of these two: it has no entities, and its marks are stars.
        parts[place] = _PLAIN.sub(r"\\\1", _SPAN.sub("", part)).replace("<br>", "&#10;")
    return "".join(parts)


def reference(match: re.Match[str]) -> str:
    """A mention or a reference in a line as the words a person reads, linked where it leads somewhere."""
    kind, words = match[1], (match[3] or "").strip()
    attributes = dict(_ATTRIBUTE.findall(match[2]))
    if kind == "mention-date":
        return _date(attributes)
    if kind == "mention-user":
        return f"@{words.removeprefix('@')}" if words else "@?"
    if kind == "unknown":
        return ""
    address = attributes.get("url") or attributes.get("src") or ""
    words = words or address
    return f"[{words}]({address})" if address.startswith(("https://", "http://")) else words


def _date(attributes: Mapping[str, str]) -> str:
    def moment(name: str) -> str:
        return f"{attributes.get(name, '')} {attributes.get(f'{name}Time', '')}".strip()

    return " – ".join(part for part in (moment("start"), moment("end")) if part)
