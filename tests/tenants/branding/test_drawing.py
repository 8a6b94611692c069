"""Uploads, drawn anew: what is refused, and that nothing of the file is left in what is kept."""

from io import BytesIO

import pytest
from PIL import Image

from tenants.branding.drawing import drawn_for
from tenants.foundation.errors import InvalidInput
from tests.tenants.branding.pictures import (
    PLAIN_SVG,
    animated,
    bomb,
    picture,
    svg,
    with_a_place,
    with_words,
)

USES = "".join(f'<g id="a{n}">' + f'<use href="#a{n - 1}"/>' * 10 + "</g>" for n in range(1, 12))
REFUSED = {
    "nothing at all": (b"", "empty"),
    "text": (b"hello", "type"),
    "a page": (b"<html><script>alert(1)</script></html>", "type"),
    "a GIF": (picture("GIF"), "type"),
    "too many bytes": (picture() + b"\0" * 1_100_000, "too_large"),
    "half a PNG": (picture()[:60], "unreadable"),
    "half a JPEG": (picture("JPEG")[:200], "unreadable"),
    "half a WebP": (picture("WEBP")[:30], "unreadable"),
    "a bomb": (bomb(), "size"),
    "a moving PNG": (animated("PNG"), "animated"),
    "a moving WebP": (animated("WEBP"), "animated"),
    "a PNG that is a page too": (picture() + b"<html><script>alert(1)</script></html>", "polyglot"),
    "a JPEG that is an archive too": (picture("JPEG") + b"PK\x03\x04 and so on", "polyglot"),
    "a WebP that is more": (picture("WEBP") + b"more", "polyglot"),
    "a JPEG with a page in a comment": (picture("JPEG", comment=b"<script>alert(1)</script>"), "polyglot"),
    "a line": (picture(size=(4000, 10)), "aspect"),
    "SVG with a script": (svg("<script>alert(1)</script>"), "unwanted"),
    "SVG with an action": (svg('<rect width="1" height="1" onload="alert(1)"/>'), "unwanted"),
    "SVG with a page": (svg("<foreignObject><p>x</p></foreignObject>"), "unwanted"),
    "SVG with a link": (svg('<a href="#x"><rect width="1" height="1"/></a>'), "unwanted"),
    "SVG with text": (svg("<text>Acme</text>"), "unwanted"),
    "SVG with an image": (svg('<image href="https://evil.example/x.png" width="1" height="1"/>'), "unwanted"),
    "SVG with a data image": (svg('<image href="data:image/png;base64,AAAA"/>'), "unwanted"),
    "SVG with a file": (svg('<use href="file:///etc/passwd#x"/>'), "external"),
    "SVG with a shape from elsewhere": (svg('<use xlink:href="https://evil.example/x.svg#a"/>'), "external"),
    "SVG with a fill from elsewhere": (svg('<rect fill="url(https://evil.example/#a)"/>'), "external"),
    "SVG with a style from elsewhere": (svg("<style>@import 'https://evil.example/x.css';</style>"), "external"),
    "SVG with an animation": (svg("<set attributeName='href' to='javascript:alert(1)'/>"), "unwanted"),
    "SVG with entities": (b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + PLAIN_SVG, "entities"),
    "SVG with a foreign entity": (
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + PLAIN_SVG, "entities",
    ),
    "SVG with another style sheet": (b'<?xml-stylesheet href="x.css"?>' + PLAIN_SVG, "entities"),
    "SVG in another encoding": (PLAIN_SVG.decode().encode("utf-16"), "type"),
    "SVG without a size": (svg("", attributes=""), "size"),
    "SVG of endless size": (svg("", attributes='viewBox="0 0 999999999 9"'), "size"),
    "SVG of no size": (svg("", attributes='viewBox="0 0 0 0"'), "size"),
    "SVG as long as a street": (svg("", attributes='viewBox="0 0 9000 1"'), "aspect"),
    "SVG that is broken": (b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><g>", "unreadable"),
    "SVG that is something else": (b"<?xml version='1.0'?><rss/>", "unreadable"),
    "SVG of a thousand uses": (svg('<g id="a0"><rect width="1" height="1"/></g>' + USES * 3), "too_costly"),
    "SVG as deep as a well": (svg("<g>" * 100 + "</g>" * 100), "too_costly"),
    "SVG of too many parts": (svg('<rect width="1" height="1"/>' * 5001), "too_costly"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_plain_still_image_is_refused(name: str) -> None:
    content, code = REFUSED[name]
    with pytest.raises(InvalidInput) as refused:
        drawn_for("light", content)
    assert refused.value.code == f"invalid_input.image_{code}"
    assert refused.value.fields["image"]


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (picture("JPEG"), "image/png"),
        (PLAIN_SVG, "image/png"),
        (picture(), "image/svg+xml"),
        (picture(), "text/html"),
    ],
    ids=["jpeg as png", "svg as png", "png as svg", "png as a page"],
)
def test_what_says_it_is_something_else_is_refused(content: bytes, declared: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        drawn_for("light", content, declared=declared)
    assert refused.value.code == "invalid_input.image_type"


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (picture(), "image/png"), (picture("JPEG"), "image/jpeg"), (picture("WEBP"), "image/webp"),
        (PLAIN_SVG, "image/svg+xml; charset=utf-8"), (picture(), ""), (picture("JPEG"), "image/jpg"),
    ],
    ids=["png", "jpeg", "webp", "svg", "unsaid", "jpg"],
)  # fmt: skip
def test_each_kind_becomes_a_png_in_every_size_of_its_slot(content: bytes, declared: str) -> None:
    drawn = drawn_for("light", content, declared=declared)
    assert set(drawn.pictures) == {"full", "half"}
    for made in drawn.pictures.values():
        image = Image.open(BytesIO(made.content))
        assert image.format == "PNG"
        assert image.size == (made.width, made.height)
        assert made.width == 4 * made.height
        red, green, blue, alpha = image.convert("RGBA").getpixel((made.width // 2, made.height // 2))  # type: ignore[misc]
        assert abs(red - 0xE1) < 6
        assert abs(green - 0x1D) < 6
        assert abs(blue - 0x48) < 6
        assert alpha == 255


def test_a_drawing_is_drawn_large_and_a_photo_is_not_blown_up() -> None:
    assert drawn_for("light", PLAIN_SVG).sizes == {"full": [640, 160], "half": [320, 80]}
    assert drawn_for("light", picture(size=(40, 10))).sizes["full"] == [40, 10]
    assert drawn_for("light", picture(size=(4000, 1000))).sizes["full"] == [640, 160]


def test_a_mark_is_made_square_with_nothing_around_it() -> None:
    made = drawn_for("mark", picture(size=(80, 40))).pictures["full"]
    image = Image.open(BytesIO(made.content)).convert("RGBA")
    assert image.size == (80, 80)
    assert image.getpixel((40, 2))[3] == 0  # type: ignore[index]
    assert image.getpixel((40, 40))[3] == 255  # type: ignore[index]


def test_what_a_file_tells_beside_its_pixels_is_gone() -> None:
    for content, told in ((with_a_place(), b"harbour"), (with_words(), b"invented hand")):
        assert told in content
        for made in drawn_for("light", content).pictures.values():
            assert told not in made.content
            assert not Image.open(BytesIO(made.content)).info


def test_a_photo_that_lies_on_its_side_is_set_upright() -> None:
    assert drawn_for("light", with_a_place()).sizes["full"] == [20, 40]


def test_the_same_file_has_the_same_digest_and_another_slot_another() -> None:
    digest = drawn_for("light", PLAIN_SVG).digest
    assert drawn_for("light", PLAIN_SVG).digest == digest
    assert len({digest, drawn_for("dark", PLAIN_SVG).digest, drawn_for("light", picture()).digest}) == 3


def test_a_drawing_that_asks_for_too_much_ends_its_own_process_only() -> None:
    costly = svg(
        f'<filter id="f">{"<feMorphology radius='10000'/>" * 60}</filter>'
        '<rect width="10" height="10" filter="url(#f)"/>',
        attributes='viewBox="0 0 10 10"',
    )
    with pytest.raises(InvalidInput) as refused:
        drawn_for("mark", costly)
    assert refused.value.code in ("invalid_input.image_too_costly", "invalid_input.image_unreadable")
