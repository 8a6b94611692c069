"""SVG in, pixels out: only drawings that are nothing but shapes, drawn in a process under limits."""

import re
import subprocess
import sys
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Final, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from tenants.branding.refusing import refused

PROGRAM: Final = Path(__file__).with_name("rasterising.py")
SECONDS: Final = 10.0
MOST_ELEMENTS, MOST_DEPTH, MOST_USES = 5000, 60, 200
LONGEST_SIDE, MOST_ASPECT = 10_000.0, 20.0
SVG: Final = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(?:px)?\s*\Z", re.IGNORECASE)
# What runs, loads, moves or embeds; and text, whose letters depend on the machine that draws it.
UNWANTED: Final = {
    "script": "scripts", "foreignObject": "foreign content", "image": "embedded images", "feImage": "embedded images",
    "iframe": "foreign content", "audio": "foreign content", "video": "foreign content", "a": "links",
    "animate": "animations", "animateTransform": "animations", "animateMotion": "animations", "set": "animations",
    "handler": "scripts", "listener": "scripts", "text": "text; turn it into paths",
}  # fmt: skip
STYLE = re.compile(r"@import|expression\s*\(|javascript:|url\(\s*['\"]?(?!#)", re.IGNORECASE)


def looks_like_svg(content: bytes) -> bool:
    """Whether somebody means this to be an SVG."""
    start = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--"))


def drawn(content: bytes, *, box: tuple[int, int]) -> bytes:
    """The drawing as a PNG that fits into `box`. Raises: InvalidInput for what is no plain drawing."""
    width, height = size_of(content)
    scale = min(box[0] / width, box[1] / height)
    pixels = [str(max(1, round(width * scale))), str(max(1, round(height * scale)))]
    try:
        done = subprocess.run(  # noqa: S603 - our own program; the drawing is its input, never an argument
            [sys.executable, "-I", str(PROGRAM), *pixels],
            input=content, capture_output=True, timeout=SECONDS, check=False, env={}, cwd="/",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise refused("This drawing takes too long to draw.", "too_costly") from None
    if done.returncode < 0 or b"memory" in done.stderr.lower():
        raise refused("This drawing takes too long to draw.", "too_costly")
    if done.returncode or not done.stdout:
        raise refused("This SVG cannot be drawn.", "unreadable")
    return done.stdout


def size_of(content: bytes) -> tuple[float, float]:
    """Width and height in the drawing's own units, once it is known to be plain. Raises: InvalidInput."""
    root = _checked_root(content)
    box = [_number(each) for each in re.split(r"[\s,]+", root.get("viewBox", "").strip())[2:4]]
    sides = box if len(box) == 2 else [_number(root.get("width", "")), _number(root.get("height", ""))]
    width, height = sides
    if width is None or height is None or not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
        raise refused("Give the SVG a width and a height of at most 10,000, or a viewBox.", "size")
    for stated in (root.get("width", ""), root.get("height", "")):
        number = _number(stated)
        if number is not None and number > LONGEST_SIDE:
            raise refused("Give the SVG a width and a height of at most 10,000, or a viewBox.", "size")
    if max(width / height, height / width) > MOST_ASPECT:
        raise refused("At most twenty times as wide as high, or as high as wide.", "aspect")
    return width, height


def _checked_root(content: bytes) -> Element:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused("An SVG has to be UTF-8.", "unreadable") from None
    if re.search(r"<!\s*(DOCTYPE|ENTITY)|<\?xml-stylesheet", text, re.IGNORECASE):
        raise refused(
            "An SVG may hold no document type, no entities and no style sheet of another file.", "entities"
        )
    parser: XMLPullParser[Element] = XMLPullParser(events=("start", "end"))
    root: Element | None = None
    depth = elements = uses = 0
    try:
        parser.feed(text)
        parser.close()
        for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
            if event == "end":
                depth -= 1
                continue
            depth, elements = depth + 1, elements + 1
            root = element if root is None else root
            uses += element.tag == f"{SVG}use"
            if depth > MOST_DEPTH or elements > MOST_ELEMENTS or uses > MOST_USES:
                raise refused("This drawing has too many parts for a logo.", "too_costly")
            _check(element)
    except (ParseError, ValueError) as error:
        raise refused("This is no SVG that can be read.", "unreadable") from error
    if root is None or root.tag not in (f"{SVG}svg", "svg"):
        raise refused("This is no SVG that can be read.", "unreadable")
    return root


def _check(element: Element) -> None:
    name = element.tag.rpartition("}")[2]
    if name in UNWANTED:
        raise refused(f"A logo may hold no {UNWANTED[name]}.", "unwanted")
    if name == "style" and STYLE.search(element.text or ""):
        raise refused("A logo may load nothing from elsewhere.", "external")
    for key, value in element.attrib.items():
        attribute = key.rpartition("}")[2].lower()
        if attribute.startswith("on"):
            raise refused("A logo may hold no scripts.", "unwanted")
        if attribute in ("href", "src") and not value.strip().startswith("#"):
            raise refused("A logo may load nothing from elsewhere.", "external")
        if STYLE.search(value):
            raise refused("A logo may load nothing from elsewhere.", "external")


def _number(value: str) -> float | None:
    found = NUMBER.match(value)
    number = float(found[1]) if found else None
    return number if number is not None and isfinite(number) else None
