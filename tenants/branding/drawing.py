"""Uploaded images, drawn anew: what is stored is pixels we made, never a file somebody sent."""

import hashlib
import re
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from tenants.branding import svg
from tenants.branding.refusing import refused

MOST_BYTES: Final = 1024 * 1024
MOST_PIXELS, LONGEST_SIDE = 16_000_000, 8000
MOST_ASPECT: Final = 20
TOO_LARGE: Final = "At most 16 megapixels, and 8000 pixels on a side."
# The boxes of each slot's sizes; a square is filled up with transparency.
BOXES: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {
    "light": {"full": (640, 160), "half": (320, 80)},
    "dark": {"full": (640, 160), "half": (320, 80)},
    "mark": {"full": (256, 256), "half": (64, 64)},
    "favicon": {"full": (180, 180), "half": (32, 32)},
}
SQUARE: Final = frozenset({"mark", "favicon"})
TYPES: Final[Mapping[str, str]] = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SVG_TYPE: Final = "image/svg+xml"
ACCEPTED: Final = (*TYPES.values(), SVG_TYPE)
MARKUP = re.compile(rb"<(?:script|html|iframe|!doctype|\?php)", re.IGNORECASE)
UNREADABLE: Final = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """One size of an image, as a PNG."""

    width: int
    height: int
    content: bytes


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """An image in every size of its slot; `digest` names its content."""

    digest: str
    pictures: Mapping[str, Picture]

    @property
    def sizes(self) -> dict[str, list[int]]:
        """Width and height by size."""
        return {name: [each.width, each.height] for name, each in self.pictures.items()}


def drawn_for(slot: str, content: bytes, *, declared: str = "") -> DrawnImage:
    """Draw an upload anew for a slot; `declared` is the type it came with, if one was said.

    Raises: InvalidInput for anything but one still PNG, JPEG, WebP or plain SVG of at most 1 MB and 16 megapixels.
    """
    if not content:
        raise refused("This file is empty.", "empty")
    if len(content) > MOST_BYTES:
        raise refused("At most 1 MB.", "too_large")
    largest = BOXES[slot]["full"]
    if svg.looks_like_svg(content):
        found = SVG_TYPE
        _check_type(declared, found)
        picture = _opened(svg.drawn(content, box=largest))
    else:
        found = _type_of(content)
        _check_type(declared, found)
        _check_whole(content, found)
        picture = _opened(content)
    pictures = {name: _fitted(picture, box, is_square=slot in SQUARE) for name, box in BOXES[slot].items()}
    digest = hashlib.sha256(slot.encode())
    for each in pictures.values():
        digest.update(each.content)
    return DrawnImage(digest.hexdigest(), pictures)


def _type_of(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return TYPES["PNG"]
    if content.startswith(b"\xff\xd8\xff"):
        return TYPES["JPEG"]
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return TYPES["WEBP"]
    raise refused("Only PNG, JPEG, WebP and SVG can be used.", "type")


def _check_type(declared: str, found: str) -> None:
    said = declared.partition(";")[0].strip().lower().replace("image/jpg", "image/jpeg")
    if said and said != "application/octet-stream" and said != found:
        raise refused(f"This was sent as {said[:40]} and is {found}.", "type")


def _check_whole(content: bytes, found: str) -> None:
    """Refuse a file that is an image and something else as well."""
    end = ENDS[found](content)
    if content[end:].strip(b"\0\r\n\t ") or MARKUP.search(content):
        raise refused("There is something else in this file beside the image.", "polyglot")


def _end_of_png(content: bytes) -> int:
    at = 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4])
        kind = content[at + 4 : at + 8]
        at += 12 + length
        if kind == b"acTL":
            raise refused("A logo stands still: animations cannot be used.", "animated")
        if kind == b"IEND":
            return min(at, len(content))
    raise refused("This image cannot be read.", "unreadable")


def _end_of_jpeg(content: bytes) -> int:
    end = content.rfind(b"\xff\xd9")
    if end < 0:
        raise refused("This image cannot be read.", "unreadable")
    return end + 2


def _end_of_webp(content: bytes) -> int:
    length = int.from_bytes(content[4:8], "little")
    if 8 + length > len(content):
        raise refused("This image cannot be read.", "unreadable")
    return 8 + length


ENDS: Final[Mapping[str, Callable[[bytes], int]]] = {
    TYPES["PNG"]: _end_of_png, TYPES["JPEG"]: _end_of_jpeg, TYPES["WEBP"]: _end_of_webp,
}  # fmt: skip


def _opened(content: bytes) -> Image.Image:
    """The pixels, upright; what is large is refused before it is unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(content), formats=tuple(TYPES))
            width, height = image.size
            if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
                raise refused(TOO_LARGE, "size")
            if max(width / height, height / width) > MOST_ASPECT:
                raise refused("At most twenty times as wide as high, or as high as wide.", "aspect")
            if getattr(image, "is_animated", False):
                raise refused("A logo stands still: animations cannot be used.", "animated")
            return ImageOps.exif_transpose(image).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise refused(TOO_LARGE, "size") from error
    except UNREADABLE as error:
        raise refused("This image cannot be read.", "unreadable") from error


def _fitted(image: Image.Image, box: tuple[int, int], *, is_square: bool) -> Picture:
    scale = min(box[0] / image.width, box[1] / image.height, 1.0)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = image.resize(size, Image.Resampling.LANCZOS) if size != image.size else image
    if is_square and size[0] != size[1]:
        side = max(size)
        ground = Image.new("RGBA", (side, side))
        ground.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
        small = ground
    made = BytesIO()
    # From bare pixels: no colour profile, comment or place comes along.
    Image.frombytes("RGBA", small.size, small.tobytes()).save(made, "PNG", optimize=True)
    return Picture(small.width, small.height, made.getvalue())
