"""The kinds of problems a run can meet, each with a sentence on how a person mends it; data only."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.models import SyncRunIssue

_WARNING, _ERROR = SyncRunIssue.Severity.WARNING, SyncRunIssue.Severity.ERROR
_Action = SyncRunIssue.Action


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that went wrong, with the record it concerns."""

    code: str
    detail: str
    remote_id: str = ""
    title: str = ""
    url: str = ""

    def as_sample(self) -> dict[str, str]:
        return {
            "remote_id": self.remote_id,
            "title": self.title[:200],
            "url": self.url[:500],
            "detail": self.detail[:500],
        }


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What all problems of one code have in common."""

    title: str
    hint: str
    action: str = _Action.NONE
    severity: str = _ERROR


_KINDS: Mapping[str, ProblemKind] = {
    "unauthorised": ProblemKind(
        "The token is not accepted any more",
        "Make a new token in Notion and give it to this workspace. Nothing was lost.",
        _Action.REAUTHORISE,
    ),
    "blocked": ProblemKind(
        "The integration is blocked",
        "Ask the service's support to lift the block, then resume the workspace.",
    ),
    "collection_lost": ProblemKind(
        "A database is no longer shared",
        "Share it with the integration again, or switch it off here. Its tasks stay.",
        _Action.SHARE,
    ),
    "collection_failed": ProblemKind(
        "A database could not be read to its end",
        "The rows read so far are here. The next run goes on by itself.",
        _Action.RETRY,
    ),
    "cursor_repeated": ProblemKind(
        "The service kept sending the same page",
        "The next run starts at the last row that was read. If it stays so, tell us.",
        _Action.RETRY,
    ),
    "too_many_in_a_minute": ProblemKind(
        "More than 10,000 rows were made or edited within one minute",
        "The service cannot list them all. Edit some of the rows, so that their times differ.",
        _Action.EDIT_REMOTE,
    ),
    "field_removed": ProblemKind(
        "A mapped column was removed",
        "The values here are kept. Map the field to another column, or remove the mapping.",
        _Action.CONFIRM_MAPPING,
    ),
    "field_retyped": ProblemKind(
        "A mapped column has another type now",
        "The values here are kept. Look at the proposed new mapping and confirm it.",
        _Action.CONFIRM_MAPPING,
    ),
    "no_title": ProblemKind(
        "A database has no title column",
        "Give it a title column; without one its rows cannot become tasks.",
        _Action.EDIT_REMOTE,
    ),
    "unreadable": ProblemKind(
        "Rows that could not be understood",
        "They are set aside and tried again with the next run.",
        _Action.RETRY,
    ),
    "not_stored": ProblemKind(
        "Rows that could not be stored",
        "They are set aside and tried again with the next run.",
        _Action.RETRY,
    ),
    "value_not_stored": ProblemKind(
        "Values that do not fit",
        "Everything else of the task was taken over. Change the value in the row.",
        _Action.EDIT_REMOTE,
        _WARNING,
    ),
    "record_gone": ProblemKind(
        "Rows that disappeared while they were read",
        "They were deleted, or are no longer shared. Tasks that came from them stay.",
        severity=_WARNING,
    ),
    "mass_disappearance": ProblemKind(
        "Many rows are missing at once",
        "Nothing was archived. If they were really deleted, confirm it; if not, share the database again.",
        _Action.CONFIRM_DELETION,
    ),
    "changed_since": ProblemKind(
        "Changed since, so left as it is",
        "Somebody has edited these after the run. Look at each, and change it by hand where you want to.",
        severity=_WARNING,
    ),
    "not_undone": ProblemKind(
        "Could not be taken back",
        "The reason stands beside each.",
        severity=_WARNING,
    ),
    "not_looked_for": ProblemKind(
        "Missing rows were not looked for",
        "A dry run looks for some of them only. The real run asks for each, and before many are archived it asks you.",
        severity=_WARNING,
    ),
    "unknown_option": ProblemKind(
        "Options nobody has mapped yet",
        "They were read by their names. Look at the mapping and confirm what they mean.",
        _Action.CONFIRM_MAPPING,
        _WARNING,
    ),
    "unknown_person": ProblemKind(
        "Assignees the integration cannot see",
        "Let the integration read user information, or ask guests to be added as members.",
        _Action.SHARE,
        _WARNING,
    ),
    "unknown_project": ProblemKind(
        "Projects the integration cannot see",
        "Share the database of projects with the integration and switch it on here.",
        _Action.SHARE,
        _WARNING,
    ),
    "untitled": ProblemKind(
        "Rows without a title",
        "They are called “Untitled” here. Give them a name in the service.",
        _Action.EDIT_REMOTE,
        _WARNING,
    ),
    "unusable_number": ProblemKind(
        "Numbers that are no hours",
        "The estimate was left as it was. Change the number in the row.",
        _Action.EDIT_REMOTE,
        _WARNING,
    ),
    "body_failed": ProblemKind(
        "Page texts that could not be read",
        "The tasks are here without their text. The next run tries again.",
        _Action.RETRY,
    ),
    "body_later": ProblemKind(
        "Page texts the service could not give",
        "They are asked for again in a few minutes.",
        severity=_WARNING,
    ),
    "body_partial": ProblemKind(
        "Page texts that came incomplete",
        "The service left out parts it cannot show as text.",
        severity=_WARNING,
    ),
    "push_value": ProblemKind(
        "Values the service would not take",
        "Change the value here; it is sent by itself then.",
    ),
    "push_refused": ProblemKind(
        "Changes the service refused",
        "Change the value, or look at the mapping of the database. Then send it again.",
        _Action.CONFIRM_MAPPING,
    ),
    "push_forbidden": ProblemKind(
        "Changes the integration is not allowed to make",
        "Give the integration the capabilities to insert and to update content, then send them again.",
        _Action.SHARE,
    ),
    "push_storage_full": ProblemKind(
        "The workspace is full",
        "Make room there or change the plan, then send them again. Changes of present rows go on.",
        _Action.RETRY,
    ),
    "push_ignored": ProblemKind(
        "Changes that were taken and not kept",
        "Look whether the page or the database is locked there, then send them again.",
        _Action.EDIT_REMOTE,
    ),
    "push_collection_lost": ProblemKind(
        "Tasks whose database is gone",
        "Share the database with the integration again, then send them again.",
        _Action.SHARE,
    ),
    "push_gave_up": ProblemKind(
        "Changes that failed again and again",
        "Send them again when the service is well.",
        _Action.RETRY,
    ),
    "push_unwritable": ProblemKind(
        "New tasks without a column for their title",
        "Choose a column for the title in the mapping of the database, then send them again.",
        _Action.CONFIRM_MAPPING,
    ),
}
_UNKNOWN = ProblemKind("Something unexpected", "Try again. If it stays so, tell us.", _Action.RETRY)


def problem_kind(code: str) -> ProblemKind:
    """What a person is told about problems of this code."""
    return _KINDS.get(code, _UNKNOWN)
