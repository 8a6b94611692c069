"""Markdown as HTML: what it draws, and what it never lets through."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.rendering import to_html


def test_markdown_is_drawn() -> None:
    html = to_html(
        "# Plan\n\n1. one\n   - two\n\n- [x] done\n- [ ] open\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n~~old~~"
    )
    for part in ("<h3>Plan</h3>", "<ol>", "☑ done", "☐ open", "<td>1</td>", "<s>old</s>"):
        assert part in html, part


def test_pictures_become_links() -> None:
    assert '<a href="https://example.org/p.png"' in to_html("![plan](https://example.org/p.png)")
    assert "<img" not in to_html("![plan](https://example.org/p.png)")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<b onclick=alert(1)>x</b>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "![x](javascript:alert(1))",
        '<a href="javascript:alert(1)">x</a>',
        '[x](https://e.org "a\\" onmouseover=alert(1) b=\\"")',
        "<style>*{display:none}</style>",
    ],
)
def test_nothing_runs(text: str) -> None:
    assert_harmless(to_html(text))


@given(st.text(max_size=300))
def test_any_text_is_harmless(text: str) -> None:
    assert_harmless(to_html(text))


class _Reader(HTMLParser):
    """Notes every tag and attribute a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    reader = _Reader()
    reader.feed(html)
    for tag, attributes in reader.seen:
        assert tag not in {"script", "style", "img", "iframe", "object", "form", "input", "svg"}
        assert set(attributes) <= {"href", "title", "rel", "start"}
        assert (
            not (attributes.get("href") or "https:").lower().startswith(("javascript:", "data:", "vbscript:"))
        )


def test_a_picture_without_words_is_called_by_its_address() -> None:
    assert ">https://example.org/p.png</a>" in to_html("![](https://example.org/p.png)")


@pytest.mark.parametrize("use", ["[a]", "![a]", "[a][a]"])
def test_one_address_used_ten_thousand_times_makes_no_page_without_end(use: str) -> None:
    bomb = f"[a]: /{'x' * 50_000}\n\n" + use * 10_000
    assert len(to_html(bomb)) < 4 * len(bomb)


def test_an_address_given_once_and_used_twice_leads_there() -> None:
    html = to_html("[plan]: https://example.org/plan\n\n[plan] and [the plan][plan]")
    assert html.count('href="https://example.org/plan"') == 2
