"""Rich text as Notion's enhanced markdown writes it inside a line."""

from __future__ import annotations

import re
from typing import Any

from integrations.sandbox.notion.errors import Json

_SPECIAL = re.compile(r"([\\*~`$\[\]<>{}|^])")
_EDGES = re.compile(r"^(\s*)(.*?)(\s*)$", re.DOTALL)


def inline(rich_text: Any) -> str:
    """All runs in a row; neighbours of the same style share their marks."""
    return "".join(_run(run) for run in _joined(rich_text or []))


def escaped(text: str) -> str:
    """The text with a backslash before what markdown would read as a mark; line ends become `<br>`."""
    return _SPECIAL.sub(r"\\\1", text).replace("\n", "<br>")


def _joined(runs: list[Json]) -> list[Json]:
    joined: list[Json] = []
    for run in runs:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last["type"] == run["type"] == "text"
            and last.get("annotations") == run.get("annotations")
            and last.get("href") == run.get("href")
        ):
            content = last["text"]["content"] + run["text"]["content"]
            joined[-1] = {**last, "text": {**last["text"], "content": content}}
        else:
            joined.append(run)
    return joined


def _run(run: Json) -> str:
    styles = run.get("annotations") or {}
    if run["type"] == "equation":
        return _styled(f"$`{run['equation']['expression']}`$", styles)
    if run["type"] == "mention":
        return _styled(_mention(run), styles)
    content = run["text"]["content"]
    if styles.get("code"):
        made = f"`{content}`"
    else:
        made = escaped(content)
    link = run.get("href") or (run["text"].get("link") or {}).get("url")
    if link:
        made = f"[{made}]({link})"
    return _styled(made, styles)


def _styled(text: str, styles: Json) -> str:
    # Marks must touch the words: `** bold **` is not bold in markdown.
    match = _EDGES.match(text)
    before, core, after = match.groups() if match else ("", text, "")
    if not core:
        return text
    if styles.get("bold"):
        core = f"**{core}**"
    if styles.get("italic"):
        core = f"*{core}*"
    if styles.get("strikethrough"):
        core = f"~~{core}~~"
    attributes = ' underline="true"' if styles.get("underline") else ""
    color = styles.get("color", "default")
    if color != "default":
        attributes += f' color="{short_color(color)}"'
    if attributes:
        core = f"<span{attributes}>{core}</span>"
    return f"{before}{core}{after}"


def short_color(color: str) -> str:
    """`red_background` is `red_bg` in markdown."""
    return color.replace("_background", "_bg")


def _mention(run: Json) -> str:
    mention = run["mention"]
    kind = mention["type"]
    text = escaped(run.get("plain_text", ""))
    if kind == "user":
        user = mention["user"]
        name = user.get("name") or run.get("plain_text", "").removeprefix("@")
        return f'<mention-user url="user://{user["id"]}">{escaped(name)}</mention-user>'
    if kind in ("page", "database"):
        address = run.get("href") or f"https://www.notion.so/{mention[kind]['id'].replace('-', '')}"
        return f'<mention-{kind} url="{address}">{text}</mention-{kind}>'
    if kind == "date":
        date = mention["date"]
        attributes = "".join(_date_part(name, date.get(name)) for name in ("start", "end"))
        zone = f' timeZone="{date["time_zone"]}"' if date.get("time_zone") else ""
        return f"<mention-date{attributes}{zone}/>"
    return text


def _date_part(name: str, value: str | None) -> str:
    if not value:
        return ""
    day, _, time = value.partition("T")
    clock = f' {name}Time="{time[:5]}"' if time else ""
    return f' {name}="{day}"{clock}'
