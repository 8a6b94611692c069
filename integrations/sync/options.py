"""Which of our states and priorities each remote option means, with the reason a person is shown; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from integrations.capabilities import FieldKind, OptionGroup, RemoteField, RemoteOption
from integrations.sync.vocabulary import PRIORITY_SIGNS, PRIORITY_WORDS, STATUS_WORDS, normal

#: Keys of the options map of a checkbox used as a status.
CHECKED: Final = "true"
UNCHECKED: Final = "false"

_GROUP_STATUS: Mapping[OptionGroup, str] = {
    OptionGroup.TODO: "planned",
    OptionGroup.IN_PROGRESS: "in_progress",
    OptionGroup.COMPLETE: "done",
}
_GROUP_NAMES: Mapping[OptionGroup, str] = {
    OptionGroup.TODO: "To-do",
    OptionGroup.IN_PROGRESS: "In progress",
    OptionGroup.COMPLETE: "Complete",
}
_NUMBERS: Final = {"1": "4", "2": "3", "3": "2", "4": "1", "5": "1"}
#: A name may refine its group (a blocked task is in progress) but not leave it.
_GROUP_ALLOWS: Mapping[OptionGroup, frozenset[str]] = {
    OptionGroup.TODO: frozenset({"planned", "blocked"}),
    OptionGroup.IN_PROGRESS: frozenset({"in_progress", "in_review", "blocked"}),
    OptionGroup.COMPLETE: frozenset({"done", "cancelled"}),
}
_P_NUMBER = re.compile(r"^p(?:rio(?:rity|ritat)?)?\s*(\d)\b")
_NUMBER = re.compile(r"^(\d)\b")


@dataclass(frozen=True, slots=True)
class OptionProposal:
    """One remote option and what it becomes; `is_certain` is False when it is a default, not a finding."""

    option_id: str
    option_name: str
    value: str
    reason: str
    is_certain: bool = True


def status_proposals(field: RemoteField) -> tuple[OptionProposal, ...]:
    """Propose one of our states for each option of a status, select or checkbox field."""
    if field.kind is FieldKind.CHECKBOX:
        return (
            OptionProposal(CHECKED, "Checked", "done", "A ticked box is a finished task."),
            OptionProposal(UNCHECKED, "Not checked", "planned", "An empty box is an open task."),
        )
    return tuple(_status_of(option) for option in field.options)


def _status_of(option: RemoteOption) -> OptionProposal:
    by_name = _find_word(option.name, STATUS_WORDS)
    if option.group is not None:
        if by_name is not None and by_name in _GROUP_ALLOWS[option.group]:
            return _proposal(option, by_name, f"The name “{option.name}” says so.")
        group = _GROUP_NAMES[option.group]
        return _proposal(option, _GROUP_STATUS[option.group], f"It is in the group “{group}”.")
    if by_name is not None:
        return _proposal(option, by_name, f"The name “{option.name}” says so.")
    reason = "The name says nothing we know, so the task counts as planned."
    return _proposal(option, "planned", reason, is_certain=False)


def priority_proposals(options: Sequence[RemoteOption]) -> tuple[OptionProposal, ...]:
    """Propose a priority (0 none … 4 urgent) for each option; numbers and repeated signs go together."""
    numbers = {option.id: _number(option.name) for option in options}
    known = sorted({number for number in numbers.values() if number is not None})
    repeats = {option.id: _repeats(option.name) for option in options}
    most, sign = max(repeats.values(), default=(0, ""))
    # A sign of another kind, as 🧊 beside 🔥🔥, is no step of the same ladder.
    steps = {key: count for key, (count, own) in repeats.items() if most > 1 and own == sign}
    return tuple(
        _priority_of(option, numbers[option.id], known, most - steps.get(option.id, most + 1))
        for option in options
    )


def number_proposals() -> tuple[OptionProposal, ...]:
    """Propose what the numbers of a number column mean as priorities."""
    reason = "Numbers have no names: 1 is taken for the most urgent."
    return tuple(
        OptionProposal(number, number, value, reason, is_certain=False) for number, value in _NUMBERS.items()
    )


def number_key(value: float) -> str:
    """The option a number of a number column stands for."""
    return str(round(min(max(value, 1.0), 5.0)))


def _repeats(name: str) -> tuple[int, str]:
    """How often a lone sign is repeated, as in 🔥🔥🔥, and the sign; (0, "") for any other name."""
    signs = name.strip().replace("\ufe0f", "")
    is_ladder = bool(signs) and set(signs) <= {signs[0]} and signs[0] in PRIORITY_SIGNS
    return (len(signs), signs[0]) if is_ladder else (0, "")


def _priority_of(
    option: RemoteOption, number: int | None, known: Sequence[int], steps_down: int
) -> OptionProposal:
    by_name = _find_word(option.name, PRIORITY_WORDS)
    if by_name is not None:
        return _proposal(option, str(by_name), f"The name “{option.name}” says so.")
    if number is not None:
        value = max(1, 4 - (number - known[0]))
        return _proposal(option, str(value), "Lower numbers are more urgent, as in P0, P1, P2.")
    if steps_down >= 0:
        return _proposal(option, str(max(1, 4 - steps_down)), "The more signs, the more urgent.")
    sign = next((value for mark, value in PRIORITY_SIGNS.items() if mark in option.name), None)
    if sign is not None:
        return _proposal(option, str(sign), f"The sign in “{option.name}” says so.")
    return _proposal(option, "0", "The name says nothing we know, so there is no priority.", is_certain=False)


def _number(name: str) -> int | None:
    found = _P_NUMBER.match(normal(name)) or _NUMBER.match(normal(name))
    return int(found[1]) if found else None


def _find_word[Key](name: str, words: Mapping[Key, Sequence[str]]) -> Key | None:
    """Find the meaning whose longest word or phrase stands in the name."""
    padded = f" {normal(name)} "
    found: Key | None = None
    longest = 0
    for key, phrases in words.items():
        for phrase in phrases:
            plain = normal(phrase)
            if len(plain) > longest and f" {plain} " in padded:
                found, longest = key, len(plain)
    return found


def _proposal(option: RemoteOption, value: str, reason: str, *, is_certain: bool = True) -> OptionProposal:
    return OptionProposal(option.id, option.name, value, reason, is_certain)
