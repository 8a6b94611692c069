"""What axe finds on a page, injected through the debugger so that the page's own policy stays on."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

_RUN = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(each =>
  each.id + ': ' + each.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')))"""


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


def violations(page: Page) -> list[str]:
    """The rules of axe this page breaks, each with the first elements that do."""
    _evaluate(page, Axe().axe_script + "; undefined")
    found: list[str] = _evaluate(page, _RUN)
    return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(_evaluate(page, "document.documentElement.scrollWidth - document.documentElement.clientWidth"))
