"""The place a company moves to: made like any company's, emptied again, dropped when the move is undone."""

from tenants.foundation.errors import Conflict
from tenants.lifecycle.moving.places import Connection, Move
from tenants.models import Tenant
from tenants.tenancy import provisioning
from tenants.tenancy.provisioning import SchemaPlace, provision_schema, schema_exists

LEDGER = "SELECT app, name FROM tenants_migrationledger WHERE tenant_id = %s"


def make_target(move: Move) -> None:
    """Make schema and role in the target anew; a copy that a former stay left there is thrown away.

    Raises: Conflict (the company lives there).
    """
    drop_place(move, move.target)
    place = Tenant.objects.get(pk=move.tenant_id)
    place.cell = move.target  # never saved: it only tells where
    provision_schema(place)


def drop_place(move: Move, cell: str) -> None:
    """Remove what the company has in a cell it does not live in; does nothing where that is gone.

    The role goes too, unless it has rights in another cell of the same server.
    Raises: Conflict (the company lives there).
    """
    with move.at(cell) as connection:
        if Tenant.objects.filter(pk=move.tenant_id, cell=cell).exists():
            raise Conflict("The company lives in this cell.", code="moves.lives_there")
        provisioning.drop_place(connection, SchemaPlace(move.tenant_id, move.schema, move.role))


def check_same_migrations(move: Move, source: Connection | None = None) -> None:
    """See that both places have the same migrations; ``source`` is a transaction there that is open already.

    Raises: Conflict when one place has some that the other lacks: a release came in between.
    """
    here = _ledger(move, move.source) if source is None else _ledger_of(source, move)
    if here != _ledger(move, move.target):
        raise Conflict(
            "The company's schema was migrated while it was being moved. Move it again.",
            code="moves.migrated",
        )


def stands(move: Move, cell: str) -> bool:
    """Whether the company has a schema in a cell."""
    with move.at(cell) as connection:
        return schema_exists(connection, move.schema)


def _ledger(move: Move, cell: str) -> set[tuple[str, str]]:
    with move.at(cell) as connection:
        return _ledger_of(connection, move)


def _ledger_of(connection: Connection, move: Move) -> set[tuple[str, str]]:
    return {(app, name) for app, name in connection.execute(LEDGER, [move.tenant_id]).fetchall()}
