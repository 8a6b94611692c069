"""Markdown of tasks and comments as HTML that is safe to show: parsed without raw HTML, then cleaned."""

from __future__ import annotations

import re
from typing import Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

MAX_CHARS: Final = 200_000
#: What all addresses in a text may come to: more than can be typed into the longest text.
_MAX_ADDRESSES: Final = 2 * MAX_CHARS
_PARSER: Final = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable(
    ["table", "strikethrough"]
)
#: The same without addresses that are given once and used many times.
_WITHOUT_REFERENCES: Final = (
    MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False})
    .enable(["table", "strikethrough"])
    .disable("reference")
)
_TAGS: Final = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}
_PICTURE: Final = re.compile(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>')
_TICKED: Final = re.compile(r"<li>(<p>)?\[( |x|X)\] ")


def to_html(markdown: str) -> SafeString:
    """Markdown as safe HTML. Headings start at h3 (the page has the first two); pictures become links."""
    html = _parsed(markdown[:MAX_CHARS])
    html = re.sub(r"<(/?)h([1-4])>", lambda match: f"<{match[1]}h{min(int(match[2]) + 2, 6)}>", html)
    # A picture nobody has described is called by its address: a link without words cannot be seen.
    html = _PICTURE.sub(lambda match: f'<a href="{match[1]}">{match[2] or match[1]}</a>', html)
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


def _parsed(markdown: str) -> str:
    """As the parser says it, unless few words would become a page without end: one address used a thousand times."""
    tokens = _PARSER.parse(markdown)
    inline = [part for token in tokens for part in token.children or ()]
    if sum(len(str(value)) for part in inline for value in part.attrs.values()) > _MAX_ADDRESSES:
        return str(_WITHOUT_REFERENCES.render(markdown))
    return str(_PARSER.renderer.render(tokens, _PARSER.options, {}))
