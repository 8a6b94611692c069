"""Letters as they leave: parts, headers, dress."""

from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from tenants.foundation.errors import ExternalServiceError, NotFound
from tenants.foundation.letters import kinds, send_letter
from tenants.foundation.letters.writing import Dress, Enclosure, Fact, FooterLink, OwnText, Palette, composed
from tests.tenants.foundation.letters.examples import VISIT

LINK = "https://acme.example/visits/1?a=b&c=d"
FACTS: dict[str, Fact] = {"guest": "Ada <Example>", "day": date(2026, 5, 1), "link": LINK}
DRESS = Dress(
    name="Acme & Sons", reply_to="help@acme.example", logo_url="https://acme.example/logo.png", logo_width=120,
    logo_height=32, palette=Palette(fill="#e11d48", ink="#ffffff", link="#b3123a"),
    links=(FooterLink("Imprint", "https://acme.example/imprint"),),
)  # fmt: skip


@pytest.fixture(autouse=True)
def known_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kinds._kinds, VISIT.code, VISIT)


def sent() -> EmailMessage:
    (message,) = mail.outbox
    return message_from_bytes(message.message().as_bytes(), policy=policy.default)


def part_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_a_missing_value_a_link_that_is_none_and_an_unknown_letter_are_mistakes_of_ours() -> None:
    with pytest.raises(NotFound):
        send_letter("no_such_letter", to="b@firm.example", facts={})
    with pytest.raises(ValueError, match="needs link"):
        send_letter("visit", to="b@firm.example", facts={"guest": "Ada"})
    with pytest.raises(ValueError, match="no web address"):
        send_letter("visit", to="b@firm.example", facts={**FACTS, "link": "javascript:alert(1)"})
    assert mail.outbox == []


def test_a_name_cannot_add_a_header() -> None:
    facts: dict[str, Fact] = {**FACTS, "guest": "Ada\r\nBcc: everyone@firm.example"}
    dress = Dress(name="Acme", sender_name="Acme\r\nBcc: x@firm.example", reply_to="a@b.example\r\nX-Evil: 1")
    composed(VISIT, to="bea@firm.example", facts=facts, language="en", dress=dress).send()
    message = sent()
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert message["Subject"] == "Ada Bcc: everyone@firm.example comes by"
    assert mail.outbox[0].recipients() == ["bea@firm.example"]


def test_a_letter_has_a_plain_and_a_drawn_part_in_its_companys_dress() -> None:
    composed(VISIT, to="bea@firm.example", facts=FACTS, language="en", dress=DRESS).send()
    message = sent()
    assert message.get_content_type() == "multipart/alternative"
    text, html = part_of(message, "plain"), part_of(message, "html")
    assert "Ada <Example> would like to see you." in text
    assert LINK in text.splitlines()
    assert "It would be on May 1, 2026." in text or "It would be on 1 May 2026." in text
    assert text.endswith("-- \nAcme & Sons\nImprint: https://acme.example/imprint\n")
    assert "Ada &lt;Example&gt;" in html
    assert "background-color:#e11d48" in html
    assert 'src="https://acme.example/logo.png"' in html
    assert f'href="{LINK.replace("&", "&amp;")}"' in html
    assert "<script" not in html
    assert message["From"].startswith('"Acme & Sons" <') or message["From"].startswith("Acme & Sons <")
    assert message["Reply-To"] == "help@acme.example"
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_companys_own_words_stand_in_for_ours_as_text_and_not_as_markup() -> None:
    own = OwnText("Visitor: {{ guest }}", "<b>Look</b> {{ link }}")
    letter = composed(VISIT, to="b@firm.example", facts=FACTS, language="en", dress=DRESS, own=own)
    assert letter.subject == "Visitor: Ada <Example>"
    assert "&lt;b&gt;Look&lt;/b&gt;" in letter.html


def test_times_are_written_and_files_enclosed() -> None:
    facts: dict[str, Fact] = {**FACTS, "day": datetime(2026, 5, 1, 9, 30, tzinfo=UTC)}
    enclosed = Enclosure("certificate.json", "{}", "application/json")
    letter = composed(
        VISIT, to="b@firm.example", facts=facts, language="en", dress=Dress(), enclosures=(enclosed,)
    )
    assert "9:30" in letter.text
    letter.send()
    assert [part.get_filename() for part in sent().iter_attachments()] == ["certificate.json"]


def test_a_mail_server_that_does_not_answer_is_an_outside_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(self: EmailMultiAlternatives, **_: object) -> int:
        raise OSError

    monkeypatch.setattr(EmailMultiAlternatives, "send", refuses)
    with pytest.raises(ExternalServiceError) as refused:
        composed(VISIT, to="b@firm.example", facts=FACTS, language="en", dress=DRESS).send()
    assert refused.value.is_transient
