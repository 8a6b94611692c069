"""What axe finds on a page, injected through the debugger so that the page's own policy stays on."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

_RUN = """axe.run(document, {resultTypes: ['violations'], %s}).then(found => found.violations.map(each =>
  each.id + ': ' + each.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')))"""


_OF_COLOURS = ("color-contrast", "link-in-text-block")
_SCRIPT = f"(() => {{ {Axe().axe_script} }})()"


def _evaluate(page: Page, expression: str) -> Any:
    session = page.context.new_cdp_session(page)
    try:
        answer = session.send(
            "Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True}
        )
    finally:
        session.detach()
    assert "exceptionDetails" not in answer, answer
    return answer["result"].get("value")


def violations(page: Page, *, only_colours: bool = False) -> list[str]:
    """The rules of axe this page breaks, each with the first elements that do.

    `only_colours` asks the rules a theme or a brand can break, and no others.
    """
    _evaluate(page, f"globalThis.axe ?? ({_SCRIPT}); undefined")
    found: list[str] = _evaluate(page, _RUN % (f"runOnly: {list(_OF_COLOURS)}" if only_colours else ""))
    return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(_evaluate(page, "document.documentElement.scrollWidth - document.documentElement.clientWidth"))
