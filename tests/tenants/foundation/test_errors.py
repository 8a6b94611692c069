"""Errors carry a sentence, a code and fields."""

from tenants.foundation.errors import Conflict, ExternalServiceError, InvalidInput, LimitReached


def test_an_error_has_a_sentence_and_a_code_of_its_class_unless_given_others() -> None:
    assert (Conflict().code, str(Conflict())) == ("conflict", Conflict.default_message)
    error = Conflict("This task is already done.", code="tasks.already_done")
    assert (error.code, str(error)) == ("tasks.already_done", "This task is already done.")


def test_fields_are_copied_so_that_nobody_changes_them_later() -> None:
    lines = ["Too long."]
    error = InvalidInput(fields={"title": lines})
    lines.append("changed")
    assert error.fields == {"title": ["Too long."]}


def test_limits_and_outside_services_say_what_a_caller_needs_to_decide() -> None:
    assert LimitReached(retry_after_seconds=3).retry_after_seconds == 3
    error = ExternalServiceError(service="Notion", is_transient=True, reason="timeout")
    assert (error.service, error.is_transient, error.reason) == ("Notion", True, "timeout")
