"""Every reason for which a sign-in is refused is brought about by a test, and says what can be done about it."""

from pathlib import Path

import pytest

from tenants.accounts.sso.reasons import SENTENCES, Reason

HERE = Path(__file__).parent
FILES = [*HERE.glob("test_*.py"), HERE / "forging.py"]
TESTS = [path.read_text() for path in FILES if path != Path(__file__)]


@pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: reason.value)
def test_a_reason_is_brought_about_by_a_test_and_has_a_sentence(reason: Reason) -> None:
    expected = f'"{reason.value}"', f"Reason.{reason.name}"
    assert any(each in text for text in TESTS for each in expected)
    assert SENTENCES[reason].endswith((".", "?"))
