"""Files somebody might upload as a logo, good and bad, made on the spot."""

import struct
import zlib
from io import BytesIO

from PIL import Image, PngImagePlugin

PLAIN_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10">'
    b'<rect width="40" height="10" fill="#e11d48"/></svg>'
)


def svg(inside: str, *, attributes: str = 'viewBox="0 0 40 10"') -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {attributes}>'
        f"{inside}</svg>"
    ).encode()


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 10), **options: object) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, "#e11d48").save(made, kind, **options)
    return made.getvalue()


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (20, 20), color) for color in ("#e11d48", "#0f766e")]
    made = BytesIO()
    frames[0].save(made, kind, save_all=True, append_images=frames[1:], duration=100)
    return made.getvalue()


def with_a_place() -> bytes:
    """A JPEG that says where it was taken."""
    image = Image.new("RGB", (40, 20), "#e11d48")
    facts = Image.Exif()
    facts[0x010E] = "taken at the invented harbour"
    facts[0x0112] = 6  # lies on its side
    made = BytesIO()
    image.save(made, "JPEG", exif=facts)
    return made.getvalue()


def with_words() -> bytes:
    """A PNG with words in it."""
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "drawn by an invented hand")
    return picture(pnginfo=words)


def bomb() -> bytes:
    """A few kilobytes that say they are 30,000 pixels wide and high."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000))
        + chunk(b"IEND", b"")
    )
