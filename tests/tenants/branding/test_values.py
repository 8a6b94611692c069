"""What may be said in a brand."""

import pytest

from tenants.branding.contrasts import readings
from tenants.branding.values import checked_texts
from tenants.foundation.errors import InvalidInput

BAD = [
    ("color", "red"), ("color", "#fff"), ("color", "#12345g"), ("color", "#123456;background:url(x)"), ("color", ""),
    ("name", ""), ("name", "   "), ("name", "\u200b"), ("name", "Acme\nBcc: x@firm.example"), ("name", "Ac\rme"),
    ("name", "Acme\u202etxt.exe"), ("name", "Ac\u200bme"), ("name", "Acme\x00"), ("name", "Acme <boss@firm.example>"),
    ("name", "\u2066Acme\u2069"), ("name", "x" * 81), ("name", "..."),
    ("sender_name", "boss@firm.example"), ("sender_name", 'A" <boss'), ("sender_name", "Acme\r\nBcc: all"),
    ("headline", "a\nb"), ("headline", "x" * 121), ("words", "x" * 301), ("words", "a\u202eb"),
    ("reply_to", "nobody"), ("reply_to", "a@b.example\r\nBcc: c@d.example"), ("reply_to", "a@b.example, c@d.example"),
    ("imprint_url", "http://acme.example/"), ("imprint_url", "javascript:alert(1)"),
    ("privacy_url", "data:text/html,x"),
    ("terms_url", "//acme.example/"), ("support_url", "https://user:secret@acme.example/"), ("support_url", "https://"),
    ("imprint_url", "https://acme.example/\r\nSet-Cookie: x"), ("imprint_url", 'https://acme.example/"><script>'),
    ("imprint_url", "https://localhost/"), ("imprint_url", "https://127.0.0.1/"), ("imprint_url", "https://acme.example:99999/"),
    ("imprint_url", "https://acme.example\\@evil.example/"), ("imprint_url", "https://acme.example/\u202e"),
    ("imprint_url", "mailto:a@b.example"), ("logo", "x"), ("version", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_what_would_not_do_is_refused_beside_its_field(field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_texts({field: value})
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("color", " #FFD400 ", "#ffd400"),
        ("name", " Müller & Söhne GmbH ", "Müller & Söhne GmbH"),
        ("name", "Mu\u0308ller", "Müller"),
        ("name", "日本の会社", "日本の会社"),
        ("imprint_url", "https://acme.example:8443/imprint?lang=de#top", None),
        ("imprint_url", "", ""),
        ("reply_to", "help@acme.example", None),
    ],
)
def test_what_will_do_is_tidied(field: str, value: str, kept: str | None) -> None:
    assert checked_texts({field: value}) == {field: value if kept is None else kept}


GRID = [f"#{red:02x}{green:02x}{blue:02x}" for red in range(0, 256, 51) for green in range(0, 256, 51)
        for blue in range(0, 256, 51)]  # fmt: skip


@pytest.mark.parametrize("color", ["#5b5bd6", "#ffd400", "#111111", "#8bd3ff", "#e11d48", *GRID])
def test_every_colour_can_be_read_in_every_part_in_light_and_dark(color: str) -> None:
    measured = readings(color)
    assert {(each.part, each.mode) for each in measured} == {
        (part, mode) for part in ("button", "tint", "link", "focus") for mode in ("light", "dark")
    }
    assert [each for each in measured if not each.is_enough] == []


def test_a_shown_ratio_is_never_better_than_the_measured_one() -> None:
    for each in readings("#ffd400"):
        assert float(each.shown.removesuffix(":1")) <= each.ratio
