"""Addresses inside the portal: the client's own, or those of the preview a colleague looks at."""

from typing import Any

from django import template
from django.urls import reverse

register = template.Library()


@register.simple_tag(takes_context=True)
def portal_url(context: dict[str, Any], name: str, *arguments: Any) -> str:
    """The address of a portal page, staying inside a preview."""
    return address_in(context.get("portal_viewer"), name, *arguments)


def address_in(viewer: Any, name: str, *arguments: Any) -> str:
    """The same for code: `viewer` is the client whose portal is previewed, None for one's own."""
    if viewer is None:
        return reverse(f"portal:{name}", args=arguments)
    return reverse(f"portal_as:{name}", args=[viewer.pk, *arguments])
