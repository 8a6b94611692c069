"""Whether a change wants two people here, and who could be the second."""

from typing import Final

from tenants.accounts.access.actors import Actor, SystemActor, UserActor
from tenants.accounts.access.changes import DEFAULT_SUBJECTS, ChangeKind, Subject
from tenants.accounts.access.holders import people_holding
from tenants.accounts.access.left_alone import check_alone_long_enough
from tenants.accounts.models import AccessPolicy, User
from tenants.foundation.errors import Conflict

_CHANGE_ROLES: Final = "accounts.change_roles"


def subjects_for_two() -> frozenset[str]:
    """What the company wants two people for. One query."""
    row = AccessPolicy.objects.values_list("two_people_for", flat=True).first()
    return frozenset(DEFAULT_SUBJECTS if row is None else row)


def others_who_could_agree(kind: ChangeKind, actor: UserActor) -> list[User]:
    """The other people who hold the permission a change of this kind needs, everywhere. One query."""
    return [user for user in people_holding(kind.permission) if user.pk != actor.user_id]


class SecondPersonNeeded(Conflict):
    """This cannot be done by one person here: it has to be proposed."""

    default_code = "conflict.second_person_needed"
    default_message = "Your company wants two people for this. Propose it, and somebody else agrees."


def wants_two(kind: ChangeKind) -> bool:
    """Whether the company wants two people for a kind of change. One query at most."""
    return kind.subject is None or kind.subject.value in subjects_for_two()


def check_may_alone(kind: ChangeKind, actor: Actor) -> None:
    """Stop one person where the company wants two for a kind of change. Raises: SecondPersonNeeded, AloneTooSoon."""
    if isinstance(actor, SystemActor):
        return
    if not wants_two(kind):
        return
    if others_who_could_agree(kind, actor):
        raise SecondPersonNeeded
    check_alone_long_enough(kind.permission, actor)


def check_may_make_owner_alone(actor: Actor) -> None:
    """Stop one person from making an owner where the company wants two. Raises: SecondPersonNeeded, AloneTooSoon."""
    if isinstance(actor, SystemActor) or Subject.OWNERS.value not in subjects_for_two():
        return
    if any(user.pk != actor.user_id for user in people_holding(_CHANGE_ROLES)):
        raise SecondPersonNeeded
    check_alone_long_enough(_CHANGE_ROLES, actor)
