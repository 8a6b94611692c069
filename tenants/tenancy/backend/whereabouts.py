"""Tells the wall that a move has put up from every other refusal: who meets it need only ask again in a moment."""

from django.apps import apps
from psycopg import OperationalError, errors

from tenants.tenancy.context import TenantRef

# A wall takes the role's rights away; of a place that was left not even the tables can be seen any more.
REFUSALS = (errors.InsufficientPrivilege, errors.UndefinedTable)


class TenantMoves(OperationalError):
    """The tenant is being moved, or does not live here any more: the same again in a moment is done where it lives.

    Django makes its own OperationalError of it, which everybody takes for something that passes.
    """


def explained(tenant: TenantRef | None) -> TenantMoves | None:
    """What to raise when the server has refused a statement of ``tenant`` because of a move; else None."""
    if tenant is None:
        return None
    rows = apps.get_model("tenants", "Tenant")._base_manager.using("default").filter(pk=tenant.id)
    now = rows.values_list("cell", "state").first()
    if now is None or (now[0] == tenant.cell and now[1] != "moving" and not _is_walled(tenant)):
        return None
    return TenantMoves("The company is just being moved. Nothing was changed; try again in a moment.")


def _is_walled(tenant: TenantRef) -> bool:
    """Whether a wall stands round a company whose state says nothing of it: one that was closed already when the move
    shut the others' doors, and has been opened since."""
    operations = apps.get_model("tenants", "Operation")._base_manager.using("default")
    moves = operations.filter(tenant_id=tenant.id, kind="move", state__in=("running", "undoing"))
    return any(context.get("fenced_at") for context in moves.values_list("context", flat=True))


def is_moving(error: BaseException | None) -> bool:
    """Whether this is what a wall's refusal has become."""
    return isinstance(error, TenantMoves) or isinstance(getattr(error, "__cause__", None), TenantMoves)
