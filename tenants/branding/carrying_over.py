"""A brand as a file that another company, or the same one on another machine, can take."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tenants.accounts.access import Actor
from tenants.branding import services
from tenants.branding.drawing import BOXES, drawn_for
from tenants.branding.stages import BrandInWork
from tenants.branding.values import TEXTS, BrandValues
from tenants.foundation.errors import InvalidInput

KIND: Final = "brand"


def brand_as_json(values: BrandValues, *, files: Mapping[str, str]) -> dict[str, Any]:
    """The brand as JSON values; ``files`` says by slot where its images lie."""
    return {"kind": KIND, **values.texts, "images": {slot: files[slot] for slot in sorted(files)}}


def take_brand(*, actor: Actor, given: object, read: Callable[[str], bytes]) -> BrandInWork:
    """Put a brand from such a file into the draft; ``read`` gives the content of an image by its path.

    Nothing is changed unless all of it will do. An image that is not named is taken out, a text that is not named
    stays. Outside any transaction: images are drawn anew. Raises: Forbidden, InvalidInput, OSError.
    """
    texts, images = _checked(given)
    pictures = {slot: drawn_for(slot, read(path)) for slot, path in images.items()}
    return services.replace_draft(actor=actor, texts=texts, images=pictures)


def _checked(given: object) -> tuple[dict[str, str], dict[str, str]]:
    if not isinstance(given, dict) or given.get("kind") != KIND:
        raise InvalidInput("This is no brand: it has to be an object with “kind”: “brand”.")
    unknown = sorted(set(given) - {"kind", "images", *TEXTS})
    if unknown:
        raise InvalidInput(f"A brand has no {', '.join(unknown)}.")
    images = given.get("images", {})
    if not isinstance(images, dict) or not set(images) <= set(BOXES):
        raise InvalidInput(f"Images are named by slot: {', '.join(BOXES)}.")
    if not all(isinstance(path, str) for path in images.values()):
        raise InvalidInput("An image is named by its path.")
    texts = {name: given[name] for name in TEXTS if name in given}
    if not all(isinstance(text, str) for text in texts.values()):
        raise InvalidInput("The texts of a brand are texts.")
    return texts, dict(images)
