"""Enhanced markdown within a line, read into runs as a request would carry them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.richtext import MAX_TEXT

MARKS = {"**": "bold", "~~": "strikethrough", "*": "italic"}
_ATTRIBUTE = re.compile(r'(\w[\w-]*)="([^"]*)"')
_SPAN = re.compile(r"<span((?:\s+\w+=\"[^\"]*\")*)\s*>")
_MENTION = re.compile(r'<mention-(user|page|database|date)((?:\s+\w+="[^"]*")*)\s*(/?)>')
_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def runs_of(text: str) -> list[Json]:
    """Runs of request rich text; whatever is no mark stands for itself."""
    reader = _Reader(text)
    reader.read(0, "", _Style({}, None))
    return [part for run in reader.runs for part in _short(run)]


def attributes_of(text: str) -> dict[str, str]:
    """`name="value"` pairs."""
    return dict(_ATTRIBUTE.findall(text))


def long_color(color: str) -> str:
    """`red_bg` is `red_background` in JSON."""
    return color.replace("_bg", "_background")


def id_in(address: str) -> str | None:
    """The object id an address ends in, with dashes."""
    found = _ID.findall(address.partition("?")[0])
    return str(uuid.UUID(found[-1])) if found else None


@dataclass(frozen=True)
class _Style:
    annotations: dict[str, Any]
    url: str | None

    def with_(self, **more: Any) -> _Style:
        return _Style({**self.annotations, **more}, self.url)


class _Reader:
    """Walks over a line once; a mark without its partner is text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.runs: list[Json] = []

    def read(self, at: int, end: str, style: _Style) -> int:
        """Read until `end` (or the end of the text); returns the place behind it."""
        text = self.text
        while at < len(text):
            if end and text.startswith(end, at):
                return at + len(end)
            at = self._token(at, style)
        return at

    def _token(self, at: int, style: _Style) -> int:
        text = self.text
        if text[at] == "\\" and at + 1 < len(text):
            self._add(text[at + 1], style)
            return at + 2
        if text.startswith("<br>", at):
            self._add("\n", style)
            return at + 4
        if text.startswith("$`", at) and (close := text.find("`$", at + 2)) > 0:
            self._put({"equation": {"expression": text[at + 2 : close]}}, style)
            return close + 2
        if text[at] == "`" and (close := text.find("`", at + 1)) > at + 1:
            self._add(text[at + 1 : close], style.with_(code=True))
            return close + 1
        for mark, name in MARKS.items():
            if text.startswith(mark, at) and self._closes(at, mark):
                return self.read(at + len(mark), mark, style.with_(**{name: True}))
        if text[at] == "[" and style.url is None:
            return self._link(at, style)
        if text[at] == "<":
            return self._tag(at, style)
        self._add(text[at], style)
        return at + 1

    def _closes(self, at: int, mark: str) -> bool:
        close = self._find(mark, at + len(mark))
        return close > at + len(mark) and not self.text[at + len(mark)].isspace()

    def _find(self, wanted: str, at: int) -> int:
        """The next place of something that is not escaped, -1 for none."""
        while at < len(self.text):
            if self.text[at] == "\\":
                at += 2
            elif self.text.startswith(wanted, at):
                return at
            else:
                at += 1
        return -1

    def _link(self, at: int, style: _Style) -> int:
        middle = self._find("](", at + 1)
        close = self.text.find(")", middle) if middle > 0 else -1
        if close < 0:
            self._add("[", style)
            return at + 1
        url = self.text[middle + 2 : close]
        self.read(at + 1, "](", _Style(style.annotations, url))
        return close + 1

    def _tag(self, at: int, style: _Style) -> int:
        span = _SPAN.match(self.text, at)
        if span and "</span>" in self.text[span.end() :]:
            given = attributes_of(span[1])
            more: dict[str, Any] = {"underline": True} if given.get("underline") == "true" else {}
            if "color" in given:
                more["color"] = long_color(given["color"])
            return self.read(span.end(), "</span>", style.with_(**more))
        mention = _MENTION.match(self.text, at)
        if mention:
            made = _mention(mention[1], attributes_of(mention[2]))
            close = f"</mention-{mention[1]}>"
            end = mention.end() if mention[3] else self.text.find(close, mention.end())
            if made is not None and end >= 0:
                self._put({"mention": made}, style)
                return end if mention[3] else end + len(close)
        self._add("<", style)
        return at + 1

    def _add(self, content: str, style: _Style) -> None:
        last = self.runs[-1] if self.runs else None
        annotations, link = style.annotations, {"url": style.url} if style.url else None
        if last and "text" in last and (last["annotations"], last["text"]["link"]) == (annotations, link):
            last["text"]["content"] += content
        else:
            self.runs.append({"text": {"content": content, "link": link}, "annotations": annotations})

    def _put(self, run: Json, style: _Style) -> None:
        self.runs.append({**run, "annotations": style.annotations})


def _mention(kind: str, given: dict[str, str]) -> Json | None:
    if kind == "date":
        if "start" not in given:
            return None
        date = {name: _moment(given, name) for name in ("start", "end") if name in given}
        return {"date": {**date, **({"time_zone": given["timeZone"]} if "timeZone" in given else {})}}
    found = id_in(given.get("url", "").removeprefix("user://"))
    return {kind: {"id": found}} if found else None


def _moment(given: dict[str, str], name: str) -> str:
    time = given.get(f"{name}Time")
    return f"{given[name]}T{time}:00" if time else given[name]


def _short(run: Json) -> list[Json]:
    if "text" not in run:
        return [run]
    content = run["text"]["content"]
    return [
        {**run, "text": {**run["text"], "content": content[at : at + MAX_TEXT]}}
        for at in range(0, len(content), MAX_TEXT)
    ]
