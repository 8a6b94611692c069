"""Notion's enhanced markdown (tabs for nesting, tags for what markdown lacks) as ordinary markdown; pure."""

import re
from collections.abc import Callable, Mapping
from typing import Final

_ATTRIBUTES: Final = re.compile(r'\s*\{(?:[a-z_]+="[^"]*"\s*)+\}\s*$')
_LIST_ITEM: Final = re.compile(r"^(?:[-*+]|\d+\.) ")
_OPEN: Final = re.compile(r"^<([a-z_-]+)((?:\s+[A-Za-z-]+=\"[^\"]*\")*)\s*>$")
_ATTRIBUTE: Final = re.compile(r'([A-Za-z-]+)="([^"]*)"')
_INLINE: Final = re.compile(
    r'<(mention-[a-z-]+|page|database|file|video|audio|pdf|unknown)((?:\s+[A-Za-z-]+="[^"]*")*)\s*(?:/>|>(.*?)</\1>)'
)
_SPAN: Final = re.compile(r"</?span(?:\s+[a-z_]+=\"[^\"]*\")*>")
_MATH: Final = re.compile(r"\$(`[^`]*`)\$")
_DROPPED: Final = ("columns", "column", "synced_block", "template", "details")
_INDENT: Final = "    "


def to_markdown(text: str) -> str:
    """Text any markdown reader shows rightly: quotes for callouts, pipe tables, links for pages and files.

    Nothing a person wrote is lost; what cannot be shown (colours, columns, an unknown block) is left out. Text
    that already is ordinary markdown comes back as it was but for its white space.
    """
    lines = _Lines(text.split("\n"))
    out: list[str] = []
    _blocks(lines, out, level=0, until=None)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in out)).strip("\n")


class _Lines:
    """The lines still to be read."""

    def __init__(self, lines: list[str]) -> None:
        self._lines, self._place = lines, 0

    def next(self) -> str | None:
        if self._place >= len(self._lines):
            return None
        self._place += 1
        return self._lines[self._place - 1]

    def back(self) -> None:
        self._place -= 1


def _blocks(lines: _Lines, out: list[str], *, level: int, until: str | None) -> None:
    """Read blocks up to the closing tag; `level` is how many tabs stand before the innermost non-list block."""
    # For each depth of tabs above the base: whether the line there was a list item, so that its children nest.
    parents: list[bool] = []
    while (raw := lines.next()) is not None:
        line = raw.lstrip("\t")
        depth = max(0, len(raw) - len(line) - level)
        if until is not None and line.strip() == f"</{until}>":
            return
        del parents[depth:]
        indent = _INDENT * sum(parents)
        tag = _OPEN.match(line.strip())
        if line.startswith("```"):
            _code(lines, out, line, indent, tabs=len(raw) - len(line))
        elif tag and tag[1] in _BLOCK_TAGS:
            inner: list[str] = []
            _BLOCK_TAGS[tag[1]](lines, inner, level + depth, dict(_ATTRIBUTE.findall(tag[2])))
            out += ["", *(indent + item if item else "" for item in inner), ""]
        elif _is_dropped(line.strip()):
            # The tag is gone, what stood under it moves one level out.
            if tag:
                _blocks(lines, out, level=level + depth + 1, until=tag[1])
        else:
            _plain(out, line, indent, is_child=depth > 0)
        parents += [False] * (depth - len(parents))
        parents.append(bool(_LIST_ITEM.match(line)))


def _plain(out: list[str], line: str, indent: str, *, is_child: bool) -> None:
    text = inline(_ATTRIBUTES.sub("", line))
    summary = re.fullmatch(r"<summary>(.*)</summary>", text.strip())
    if summary:
        out += [f"{indent}**{summary[1]}**", ""]
    elif text.strip() == "<empty-block/>":
        out.append("")
    elif _LIST_ITEM.match(text) or text.startswith("> "):
        out.append(indent + text)
    else:
        # A paragraph: without the blank line it would run on from the line before it.
        out += ["", indent + text, ""] if is_child or indent else [text, ""] if text.strip() else [""]


def _code(lines: _Lines, out: list[str], fence: str, indent: str, *, tabs: int) -> None:
    out.append(indent + fence)
    while (raw := lines.next()) is not None:
        body = raw.removeprefix("\t" * tabs)
        out.append(indent + body)
        if body.strip() == "```":
            return
    out.append(f"{indent}```")


def _callout(lines: _Lines, out: list[str], level: int, attributes: Mapping[str, str]) -> None:
    inner: list[str] = []
    _blocks(lines, inner, level=level + 1, until="callout")
    text = "\n".join(inner).strip("\n").split("\n")
    icon = attributes.get("icon", "")
    if icon:
        text[0] = f"{icon} {text[0]}"
    out += [f"> {line}".rstrip() for line in text]


def _table(lines: _Lines, out: list[str], level: int, attributes: Mapping[str, str]) -> None:
    rows: list[list[str]] = []
    others: list[str] = []  # a table cut off in the middle must not swallow what follows
    while (raw := lines.next()) is not None:
        line = raw.strip()
        if line == "</table>":
            break
        if line.startswith("<tr"):
            rows.append([])
        elif line and not re.match(r"</?(?:td|tr|col|colgroup)\b", line):
            others.append(inline(line))
        for cell in re.findall(r"<td[^>]*>(.*?)</td>", line):
            if rows:
                rows[-1].append(inline(cell).replace("|", r"\|").replace("  \n", " "))
    width = max((len(row) for row in rows), default=0)
    if width:
        out += _pipe_table(rows, width, has_head=attributes.get("header-row") == "true")
    out += ["", *others] if others else []


def _pipe_table(rows: list[list[str]], width: int, *, has_head: bool) -> list[str]:
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    # A pipe table must have a head; one without gets an empty one.
    head = full.pop(0) if has_head else [""] * width
    return [_row(head), _row(["---"] * width), *(_row(row) for row in full)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


_BLOCK_TAGS: Final[Mapping[str, Callable[[_Lines, list[str], int, Mapping[str, str]], None]]] = {
    "callout": _callout,
    "table": _table,
}


def _is_dropped(line: str) -> bool:
    name = re.match(r"^</?([a-z_-]+)", line)
    return bool(name and (name[1] in _DROPPED or name[1] in ("table_of_contents", "colgroup", "col")))


def inline(text: str) -> str:
    """What stands inside a line: mentions as their words, pages and files as links, marks without colours."""
    parts = re.split(r"(`[^`]*`)", text)  # code is nobody's markup
    for place in range(0, len(parts), 2):
        part = _INLINE.sub(_reference, parts[place])
        parts[place] = _SPAN.sub("", part).replace("<br>", "  \n")
    return _MATH.sub(r"\1", "".join(parts))


def _reference(match: re.Match[str]) -> str:
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
