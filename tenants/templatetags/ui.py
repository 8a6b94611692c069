"""The console's components as template tags; `console/README.md` beside the templates shows each in use."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from zlib import crc32

from django import template
from django.contrib.staticfiles.finders import find
from django.contrib.staticfiles.storage import staticfiles_storage
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.branding.theme import theme_address
from tenants.foundation.page_parts import Step
from tenants.templatetags import marks
from tenants.tenancy import TenantRef

register = template.Library()
# One library for templates, which find it among the built-ins: no page needs a `load`.
register.tags.update(marks.register.tags)
register.filters.update(marks.register.filters)

FONT_STYLES, FONT_FILE = "fonts/inter.css", "fonts/inter-latin.woff2"
STEP_ICONS: Mapping[str, str] = {
    "done": "check",
    "running": "loader",
    "waiting": "circle",
    "failed": "x",
    "skipped": "minus",
}
NOTE_ICONS: Mapping[str, str] = {
    "info": "info",
    "ok": "circle-check",
    "warn": "triangle-alert",
    "bad": "circle-alert",
}


@register.simple_tag
def field(
    bound: BoundField, *, label: str = "", help_text: str | None = None, unit: str = "", **attributes: Any
) -> SafeString:
    """A form field with label, help and errors tied to it; `hx_get=…` and the like become attributes.

    `help_text` replaces the field's own; an empty one leaves it out. `unit` stands behind a number and is read out
    with it.
    """
    widget = bound.field.widget
    is_group = isinstance(widget, RadioSelect | CheckboxSelectMultiple)
    is_check = isinstance(widget, CheckboxInput)
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    shown_help = bound.help_text if help_text is None else help_text
    described = (
        [f"{bound.auto_id}_unit"] * bool(unit)
        + [f"{bound.auto_id}_help"] * bool(shown_help)
        + [f"{bound.auto_id}_error"] * bool(bound.errors)
    )
    if described and not is_group:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors and not is_group:
        attrs["aria-invalid"] = "true"
    if not is_group:
        own = widget.attrs.get("class", "")
        attrs["class"] = " ".join(filter(None, ("switch" if is_check else "input", own)))
    context = {
        "field": bound,
        "label": label or bound.label,
        "help_text": shown_help,
        "widget": bound.as_widget(attrs=attrs),
        "unit": unit,
        "is_check": is_check,
        "is_group": is_group,
        # A list of choices says itself that none of them is one.
        "is_optional": not (bound.field.required or is_check or type(widget) is Select),
    }
    return SafeString(render_to_string("console/ui/field.html", context))


@register.simple_tag
def theme_url(tenant: TenantRef | None) -> str:
    """Where the stylesheet with a company's colours is; empty for nobody's pages."""
    return theme_address(tenant) if tenant else ""


@register.filter
def step_icon(step: Step) -> str:
    """The icon of a step's state."""
    return STEP_ICONS[step.state]


@register.filter
def first_letter(name: str) -> str:
    """The letter a company's mark shows."""
    return (str(name).strip()[:1] or "·").upper()


@register.inclusion_tag("console/ui/progress.html")
def progress(value: int, maximum: int, label: str, tone: str = "", size: str = "") -> dict[str, Any]:
    """A bar; an unknown `maximum` (0) draws it as busy. `tone` ok, warn, bad; `size` `lg`."""
    return {"value": value, "maximum": maximum, "label": label, "tone": tone, "size": size}


@register.inclusion_tag("console/ui/kpi_strip.html")
def kpi_strip(kpis: Iterable[Any]) -> dict[str, Any]:
    """Figures side by side (`Kpi`)."""
    return {"kpis": kpis}


@register.inclusion_tag("console/ui/segmented.html")
def segmented(segments: Iterable[Any], label: str) -> dict[str, Any]:
    """Views of one thing as a switch of links (`Segment`)."""
    return {"segments": segments, "label": label}


@register.inclusion_tag("console/ui/table_head.html")
def table_head(columns: Iterable[Any], *, select_all: bool = False) -> dict[str, Any]:
    """The head row of a table (`Column`): sortable headings are links, with the present order said."""
    return {"columns": columns, "select_all": select_all}


@register.inclusion_tag("console/ui/pagination.html")
def pagination(pages: Any, target: str = "") -> dict[str, Any]:
    """Previous and next of a keyset-paged list (`Pages`); with `target` they swap only that region."""
    return {"pages": pages, "target": target}


@register.inclusion_tag("console/ui/step_line.html")
def step_line(steps: Iterable[Any]) -> dict[str, Any]:
    """The steps of a run, one under the other (`Step`)."""
    return {"steps": steps}


@register.inclusion_tag("console/ui/log_view.html")
def log_view(lines: Iterable[Any], label: str) -> dict[str, Any]:
    """Lines of a log in a scrolling region (`LogLine`)."""
    return {"lines": lines, "label": label}


@register.inclusion_tag("console/ui/activity_feed.html")
def activity_feed(items: Iterable[Any]) -> dict[str, Any]:
    """What people did, newest first (`Activity`)."""
    return {"items": items}


@register.inclusion_tag("console/ui/checklist.html")
def checklist(steps: Iterable[Any]) -> dict[str, Any]:
    """What is set up and what is still to do (`SetupStep`)."""
    listed = list(steps)
    return {"steps": listed, "done": sum(step.is_done for step in listed), "total": len(listed)}


@register.inclusion_tag("console/ui/data_table.html")
def data_table(table: Any) -> dict[str, Any]:
    """A chart's figures, folded away under "View as table" (`DataTable`)."""
    return {"table": table}


@register.inclusion_tag("console/ui/skeleton.html")
def skeleton(rows: int = 3) -> dict[str, Any]:
    """Grey lines where content is on its way."""
    return {"rows": range(rows)}


@register.inclusion_tag("console/ui/copy_field.html")
def copy_field(value: str, label: str, *, element_id: str) -> dict[str, Any]:
    """A value to be copied, such as an address or a token shown once."""
    return {"value": value, "label": label, "id": element_id}


@register.inclusion_tag("console/ui/secret_field.html")
def secret_field(
    last_four: str, label: str, *, rotate_url: str = "", changed_at: Any = None
) -> dict[str, Any]:
    """A stored secret: only its last four characters, and where it is replaced."""
    return {"last_four": last_four, "label": label, "rotate_url": rotate_url, "changed_at": changed_at}


def _block(name: str, content: str, **context: Any) -> SafeString:
    return SafeString(
        render_to_string(f"console/ui/{name}.html", {"content": SafeString(content), **context})
    )


@register.simple_block_tag
def card(
    content: str, title: str = "", *, heading_id: str = "", aside: str = "", flush: bool = False
) -> SafeString:
    """A card with a heading; `aside` is a few words at its end, `flush` gives the content the full width."""
    anchor = heading_id or f"card-{crc32(str(title).encode()):x}"
    return _block("card", content, title=title, heading_id=anchor, aside=aside, flush=flush)


@register.simple_block_tag
def dialog(content: str, title: str, *, element_id: str, kind: str = "") -> SafeString:
    """A modal opened by `data-open="#element_id"`; `kind="drawer"` puts it at the side."""
    return _block("dialog", content, title=title, id=element_id, kind=kind)


@register.simple_block_tag
def menu(
    content: str,
    label: str,
    *,
    element_id: str,
    icon_name: str = "ellipsis",
    text: str = "",
    style: str = "ghost icon-only",
) -> SafeString:
    """A button that opens a list of links and buttons; `text` is shown beside the icon."""
    return _block("menu", content, label=label, id=element_id, icon_name=icon_name, text=text, style=style)


@register.simple_block_tag
def filter_chip(
    content: str, label: str, *, element_id: str, value: str = "", clear_url: str = "", target: str = ""
) -> SafeString:
    """A filter: what it is set to, a popover to set it (the content), and a link that takes it away."""
    return _block(
        "filter_chip", content, label=label, id=element_id, value=value, clear_url=clear_url, target=target
    )


@register.simple_block_tag
def note(
    content: str, tone: str = "info", title: str = "", *, url: str = "", icon_name: str = ""
) -> SafeString:
    """A remark in the flow of a page: info, ok, warn or bad; with `url` all of it is a link."""
    return _block("note", content, tone=tone, title=title, url=url, icon_name=icon_name or NOTE_ICONS[tone])


@register.simple_block_tag
def banner(content: str, tone: str = "info") -> SafeString:
    """A line over the whole page: maintenance, read-only, acting for somebody."""
    return _block("banner", content, tone=tone, icon_name=NOTE_ICONS[tone])


@register.simple_block_tag
def empty_state(content: str, title: str, *, icon_name: str = "inbox", text: str = "") -> SafeString:
    """What a list says when it is empty; the content is its one action."""
    return _block("empty_state", content, title=title, icon_name=icon_name, text=text)


@register.simple_block_tag
def bulk_bar(content: str, *, form_id: str) -> SafeString:
    """The bar that rises when rows are selected; the content is its buttons, which send `form_id`."""
    return _block("bulk_bar", content, form_id=form_id)


@register.simple_tag
def font_links() -> SafeString:
    """The links of the built font; none where it was not built, and the system's font serves."""
    return _font_links()


@cache
def _font_links() -> SafeString:
    # A manifest knows what was collected, finders what stands in the source: ask whichever is in use.
    manifest = getattr(staticfiles_storage, "hashed_files", None)
    is_built = find(FONT_STYLES) is not None if manifest is None else FONT_STYLES in manifest
    if not is_built:
        return SafeString("")
    return format_html(
        '<link rel="preload" href="{}" as="font" type="font/woff2" crossorigin>\n'
        '<link rel="stylesheet" href="{}">\n',
        static(FONT_FILE),
        static(FONT_STYLES),
    )
