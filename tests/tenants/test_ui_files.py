"""The console's files keep to its promises: a strict policy, small transfers, readable token pairs."""

import gzip
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.template.loader import get_template, render_to_string

from tenants.branding.oklch import contrast, to_hex

ROOT = Path(__file__).resolve().parents[2]
OURS = ("tenants", "tasks", "integrations", "reporting")
TEMPLATES = sorted(path for package in OURS for path in (ROOT / package).rglob("templates/**/*.html"))
# Letters have their styles in their elements, and a policy of their own where they are shown.
PAGES = [path for path in TEMPLATES if path.parent.name != "letters"]
STATIC = sorted(path for package in OURS for path in (ROOT / package).rglob("static/**/*") if path.is_file())
STYLES = re.findall(
    r'static "(console/[a-z-]+\.css)"', (ROOT / "tenants/templates/console/shell/styles.html").read_text()
)
SCRIPTS = re.findall(r'static "([^"]+\.js)"', (ROOT / "tenants/templates/console/base.html").read_text())
TOKENS = (ROOT / "tenants/static/console/tokens.css").read_text()


def gzipped(*names: str) -> int:
    found = [find(name) for name in names]
    assert all(found), names
    return sum(len(gzip.compress(Path(str(path)).read_bytes(), 9)) for path in found)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_needs_a_weaker_policy(path: Path) -> None:
    source = re.sub(r"\{%.*?%\}", "", path.read_text())
    assert not re.search(r"\sstyle\s*=", source), "an inline style"
    assert not re.search(r"<style\b", source), "a style element"
    assert not re.search(r"\son[a-z]+\s*=", source), "an event attribute"
    assert not re.search(r"<script(?![^>]*\bsrc=)", source), "a script without a source"
    assert not re.search(r"""hx-on|=["']js:|hx-trigger="[^"]*\[""", source), "htmx that needs eval"
    assert not re.search(r"""(src|href)=["']https?://""", source), "something loaded from elsewhere"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_template_compiles(path: Path) -> None:
    get_template(str(path).split("/templates/", 1)[1])


@pytest.mark.parametrize(
    "path", [each for each in STATIC if each.suffix == ".js"], ids=lambda path: path.name
)
def test_a_script_is_small_and_evaluates_nothing(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) < 200
    assert not re.search(r"\beval\(|new Function|innerHTML\s*=|\bimport\b", source)


@pytest.mark.parametrize(
    "path", [each for each in STATIC if each.suffix == ".css"], ids=lambda path: path.name
)
def test_a_style_sheet_is_of_a_readable_size_and_loads_nothing_from_elsewhere(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 300
    assert "@import" not in source
    assert not re.search(r"url\(\s*[\"']?(https?:)?//", source)


def test_every_layer_is_in_the_fixed_order() -> None:
    order = re.search(r"^@layer ([a-z, ]+);", TOKENS, re.MULTILINE)
    assert order
    for name in STYLES:
        layers = re.findall(r"^@layer ([a-z]+) \{", Path(str(find(name))).read_text(), re.MULTILINE)
        assert layers
        assert set(layers) <= set(order[1].split(", ")), name


def test_the_styles_of_a_page_weigh_at_most_20_kb() -> None:
    assert len(STYLES) >= 6
    assert gzipped(*STYLES) <= 20 * 1024


def test_the_scripts_of_a_usual_page_weigh_at_most_40_kb() -> None:
    assert "django_htmx/htmx-4.min.js" in SCRIPTS
    assert gzipped(*SCRIPTS) <= 40 * 1024
    assert gzipped(*SCRIPTS, "django_htmx/ext/hx-sse-4.min.js") <= 60 * 1024


def test_the_policy_allows_our_own_files_and_nothing_else() -> None:
    for directive, sources in settings.SECURE_CSP.items():
        assert set(map(str, sources)) <= {"'self'", "'none'", "data:"}, directive
    assert list(settings.SECURE_CSP["default-src"]) == ["'none'"]
    assert "data:" not in settings.SECURE_CSP["script-src"]


def token(name: str, mode: int) -> str:
    """A neutral or status token as hex, light (0) or dark (1), with the tint left out of the hue's choice."""
    pair = re.search(rf"--{name}: light-dark\((oklch\(.*?\)), (oklch\(.*?\))\);$", TOKENS, re.MULTILINE)
    assert pair, name
    source = pair[mode + 1].replace("var(--hue)", "283").replace("var(--nc)", "0.006")
    source = re.sub(r"calc\(0\.006 \* ([\d.]+)\)", lambda found: str(0.006 * float(found[1])), source)
    numbers = re.match(r"oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)", source)
    assert numbers, source
    return to_hex(float(numbers[1]) / 100, float(numbers[2]), float(numbers[3]))


SURFACES = ("bg", "surface", "raised", "sunken", "hover")


@pytest.mark.parametrize(
    ("text", "ground", "mode"),
    [
        *product(("text", "text-2", "text-3"), SURFACES, (0, 1)),
        *product(("text", "text-2"), ("active",), (0, 1)),
    ],
)
def test_text_can_be_read_on_every_surface(text: str, ground: str, mode: int) -> None:
    assert contrast(token(text, mode), token(ground, mode)) >= 4.5


@pytest.mark.parametrize(("tone", "mode"), [*product(("ok", "warn", "bad", "info"), (0, 1))])
def test_tones_can_be_read_on_their_own_tint_and_on_cards(tone: str, mode: int) -> None:
    for ground in (f"{tone}-soft", "surface", "raised", "sunken"):
        assert contrast(token(tone, mode), token(ground, mode)) >= 4.5, ground
    assert contrast(token("text-2", mode), token(f"{tone}-soft", mode)) >= 4.5


@pytest.mark.parametrize("mode", [0, 1])
def test_the_border_of_a_field_stands_out(mode: int) -> None:
    assert contrast(token("field", mode), token("surface", mode)) >= 3


@pytest.mark.parametrize("status", ["500", "unknown_host", "tenant_closed"])
def test_the_last_pages_need_neither_request_nor_database(status: str) -> None:
    source = render_to_string(f"console/errors/{status}.html", {"request_id": "<b>"})
    assert "<h1>" in source
    assert "<b>" not in source


def test_the_ground_floors_templates_are_found_before_those_of_allauth() -> None:
    names = [config.name for config in apps.get_app_configs()]
    assert names.index("tenants") < names.index("allauth.account")
    login: Any = get_template("account/login.html")
    assert "console/entrance.html" in login.template.source
