"""Texts of letters: what a company may write, and what values do not do."""

import pytest

from tenants.foundation.errors import InvalidInput
from tenants.foundation.letters.placeholders import checked_text, filled, is_web_address, paragraphs, plain
from tests.tenants.foundation.letters.examples import VISIT

GOOD = "Hello {{guest}}, {{ link }}"


@pytest.mark.parametrize(
    ("subject", "body", "field", "says"),
    [
        ("", GOOD, "subject", "empty"),
        ("Hello", "", "body", "empty"),
        ("Hello\nBcc: all@firm.example", GOOD, "subject", "one line"),
        ("Hello\r\nBcc: all@firm.example", GOOD, "subject", "cannot be seen"),
        ("Hello \u202egpj.exe", GOOD, "subject", "cannot be seen"),
        ("Hello", GOOD + "\x00", "body", "cannot be seen"),
        ("{{ secret_key }}", GOOD, "subject", "{{ secret_key }}"),
        ("Hello", GOOD + "{{ settings.SECRET_KEY }}", "body", "Curly brackets"),
        ("Hello", GOOD + "{% load i18n %}", "body", "Curly brackets"),
        ("Hello", GOOD + "{{ guest|safe }}", "body", "Curly brackets"),
        ("Hello", GOOD + "{# a note #}", "body", "Curly brackets"),
        ("Hello", GOOD + " {{ guest", "body", "Curly brackets"),
        ("Hello", "Nothing to click, {{ guest }}", "body", "{{ link }}"),
        ("x" * 151, GOOD, "subject", "150"),
        ("Hello", GOOD + "x" * 5000, "body", "5000"),
    ],
)
def test_a_text_that_would_not_do_is_refused_in_words(subject: str, body: str, field: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_text(VISIT, subject=subject, body=body)
    assert says in " ".join(refused.value.fields[field])


def test_a_good_text_is_tidied() -> None:
    assert checked_text(VISIT, subject="  Hi  ", body=f"{GOOD}\r\nBye\r\n") == ("Hi", f"{GOOD}\nBye")


def test_what_stands_in_a_value_is_not_filled_in_again() -> None:
    values = {"guest": "{{ link }}", "link": "https://a.example/"}
    assert filled("{{ guest }} comes", values) == "{{ link }} comes"
    (first, *_) = paragraphs("{{ guest }}", VISIT, values)
    assert first.lines[0][0].text == "{{ link }}"
    assert not first.button_url


def test_a_paragraph_without_its_value_is_left_out() -> None:
    values = {"guest": "Ada", "day": "", "link": "https://a.example/"}
    shown = [each.lines[0][0].text for each in paragraphs(str(VISIT.body), VISIT, values)]
    assert shown == ["Ada", "https://a.example/", "Or here: "]


def test_a_link_that_stands_alone_is_a_button_and_one_in_a_sentence_a_link() -> None:
    values = {"guest": "Ada", "day": "1 May", "link": "https://a.example/"}
    shown = list(paragraphs(str(VISIT.body), VISIT, values))
    assert [each.button_url for each in shown] == ["", "https://a.example/", "", ""]
    assert shown[3].lines[0][1].url == "https://a.example/"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Ada\r\nBcc: all@firm.example", "Ada Bcc: all@firm.example"),
        ("Ada\u202e\u2066\ufeff", "Ada"),
        ("A\x00d\x1ba", "Ada"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("x" * 400, "x" * 300),
    ],
)
def test_a_value_is_one_line_of_what_can_be_seen(value: str, shown: str) -> None:
    assert plain(value) == shown


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://a.example/\r\nx",
        "https://a.example/ x",
        "//a.example",
        "",
        'https://a.example/"><script>',
        "https://a.example/\u202e",
    ],
)
def test_what_is_no_web_address_is_no_link(address: str) -> None:
    assert not is_web_address(address)
