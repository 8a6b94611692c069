"""Markdown of tasks and comments as HTML that is safe to show: parsed without raw HTML, then cleaned."""

from __future__ import annotations

import re
from typing import Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

MAX_CHARS: Final = 200_000
_PARSER: Final = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable(
    ["table", "strikethrough"]
)
_TAGS: Final = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}
_TICKED: Final = re.compile(r"<li>(<p>)?\[( |x|X)\] ")


def to_html(markdown: str) -> SafeString:
    """Markdown as safe HTML. Headings start at h3 (the page has the first two); pictures become links."""
    html = _PARSER.render(markdown[:MAX_CHARS])
    html = re.sub(r"<(/?)h([1-4])>", lambda match: f"<{match[1]}h{min(int(match[2]) + 2, 6)}>", html)
    html = re.sub(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>', r'<a href="\1">\2</a>', html)
    html = _TICKED.sub(lambda match: f"<li>{match[1] or ''}{'☑' if match[2] != ' ' else '☐'} ", html)
    return mark_safe(  # noqa: S308
        nh3.clean(
            html,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )
