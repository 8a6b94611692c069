"""Signs nobody sees are found, those a script needs are let pass, and look-alikes are drawn as what they look like."""

import pytest

from tenants.foundation.seen_text import drawn, has_unseen


@pytest.mark.parametrize(
    "text",
    [
        "Own\u202eers", "Own\u200bers", "Own\u200ders", "\u200dOwners", "Owners\u200c", "Own\ners", "Own\ters",
        "Own\0ers", "Own\u2028ers", "\ufeffOwners", "Own\u00aders", "Own\u2066ers", "\u3164", "Own\ue000ers",
        "Own\u0378ers", "Own\U000e0041ers",
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_found(text: str) -> None:
    assert has_unseen(text)


@pytest.mark.parametrize(
    "text",
    [
        "Owners",
        "Besitzerinnen & Räte",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d💻 Engineers",
        "日本 営業部",
        "A️",
        "",
    ],
)
def test_what_a_script_needs_is_let_pass(text: str) -> None:
    assert not has_unseen(text)


def test_a_user_name_has_no_joiners() -> None:
    assert has_unseen("می\u200cخواهم", joiners=False)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Оwner", "owner"), ("ΑDMIN", "admin"), (" Ａｄｍｉｎ ", "admin"), ("Ówner", "owner"), ("Own\u200ber", "owner"),
        ("Sales", "sales"),
    ],
)  # fmt: skip
def test_look_alikes_are_drawn_as_what_they_look_like(text: str, seen: str) -> None:
    assert drawn(text) == seen
