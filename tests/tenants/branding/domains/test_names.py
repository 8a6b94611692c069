"""Which names can be claimed."""

import pytest

from tenants.branding.domains.names import is_within, normal_host, shown, skeleton, squinted
from tenants.foundation.errors import InvalidInput

REFUSED = [
    "", " ", "localhost", "example", "example.com.", "example.com。", "*.example.com", "tasks_1.example.com",
    "192.0.2.1", "[2001:db8::1]", "2001:db8::1", "１９２.０.２.１", "2130706433", "0x7f.1", "127.1",
    "example.com:8443", "https://example.com", "example.com/path", "user@example.com", "exa mple.com",
    "tasks..example.com", "-tasks.example.com", "tasks-.example.com", "x" * 64 + ".com",
    ".".join(["y" * 60] * 5) + ".com", "te\u202est.com", "exam\u200bple.com", "exam\x00ple.com", "exam\nple.com",
    "com", "co.uk", "github.io", "tasks.nosuchending", "acme.test", "acme.localhost", "db.internal", "1.0.0.127.arpa",
    "xn--a.com", "xn--.com", "exa%6dple.com",
]  # fmt: skip
# A Cyrillic а, a Greek ο, a Cyrillic с among Latin letters.
MIXED = ["\u0430pple.com", "g\u03bfogle.com", "mi\u0441rosoft.com"]


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_no_company_can_be_reached_under_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        normal_host(text)
    assert caught.value.fields["domain"]


@pytest.mark.parametrize("text", MIXED, ids=["a", "o", "c"])
def test_letters_of_several_alphabets_in_one_word_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="several alphabets"):
        normal_host(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Tasks.Example.COM", "tasks.example.com"),
        ("  tasks.example.com ", "tasks.example.com"),
        ("Aufgaben.Müller.de", "aufgaben.xn--mller-kva.de"),
        ("aufgaben.xn--mller-kva.de", "aufgaben.xn--mller-kva.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("ｔａｓｋｓ．example．com", "tasks.example.com"),
        ("東京タワー.jp", "xn--5ck2eqb538s34z.jp"),
        ("acme.co.uk", "acme.co.uk"),
        ("acme.github.io", "acme.github.io"),
    ],
)
def test_a_name_has_one_form_however_it_is_written(text: str, host: str) -> None:
    assert normal_host(text) == host
    assert normal_host(host) == host


def test_people_read_their_own_alphabet() -> None:
    assert shown("xn--mller-kva.de") == "müller.de"
    assert shown("tasks.example.com") == "tasks.example.com"


def test_names_that_look_alike_have_one_skeleton() -> None:
    whole_word = normal_host("\u0430\u0440\u0440\u04cf\u0435.com")
    assert skeleton(whole_word) == "apple.com"
    assert skeleton(normal_host("àpple.com")) == "apple.com"
    assert skeleton("apple.com") != skeleton("apply.com")


@pytest.mark.parametrize("text", ["n0tes.example", "notes.exarnple", "n-otes.example", "notes.examp1e"])
def test_at_a_glance_some_signs_are_the_same(text: str) -> None:
    assert squinted(text) == squinted("notes.example")


def test_below_means_after_a_dot() -> None:
    assert is_within("a.example.com", "example.com")
    assert is_within("example.com", "example.com")
    assert not is_within("notexample.com", "example.com")
