"""Who made a directory's key: what nobody could do to somebody by hand they do not do with a key of their own."""

from django.utils import timezone

from tenants.accounts.access.gathering import gathered_actor
from tenants.accounts.access.granting import weighty_part
from tenants.accounts.access.holdings import NOTHING
from tenants.accounts.access.roles import Role
from tenants.accounts.models import ScimDirectory, ScimToken, User


def is_above_key(directory: ScimDirectory, user: User) -> bool:
    """Whether a person holds something sensitive that one of the makers of the directory's usable keys does not."""
    theirs = gathered_actor(user)
    weighty = weighty_part(theirs.own_holding)
    if weighty == NOTHING:
        return False
    keys = ScimToken.objects.filter(directory=directory, revoked_at=None, expires_at__gt=timezone.now())
    makers = User.objects.filter(pk__in=keys.values("created_by_id"))
    for maker in map(gathered_actor, makers):
        is_owner_above = Role.OWNER in theirs.roles and Role.OWNER not in maker.roles
        if is_owner_above or not maker.own_holding.covers(weighty):
            return True
    return False
