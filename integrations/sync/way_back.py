"""Which way the values of a field go and who wins, as chosen or as before; whether nothing but that is changed."""

from collections.abc import Mapping, Sequence

from integrations.capabilities import READ_ONLY_KINDS, RemoteField
from integrations.models import FieldMapping, SyncedCollection
from integrations.sync.vocabulary import OurField
from tenants.foundation.errors import InvalidInput


def way_back(
    chosen_direction: str,
    chosen_policy: str,
    our_field: OurField,
    remote: RemoteField,
    stored: FieldMapping | None,
) -> tuple[str, str]:
    """Direction and policy of a field: as chosen, else as before, else both ways and the newest.

    Raises: InvalidInput (no such direction or policy, or a column nobody can write to).
    """
    is_fixed = remote.kind in READ_ONLY_KINDS
    usual = FieldMapping.Direction.IN if is_fixed else FieldMapping.Direction.BOTH
    kept = stored.direction if stored is not None and not is_fixed else usual
    direction = chosen_direction or kept
    policy = chosen_policy or (stored.policy if stored is not None else FieldMapping.Policy.NEWEST)
    if direction not in FieldMapping.Direction.values or policy not in FieldMapping.Policy.values:
        raise InvalidInput(
            "There is no such direction, or no such rule.",
            fields={our_field.value: ["Choose both, in or out, and newest, remote, local or manual."]},
        )
    if is_fixed and direction != FieldMapping.Direction.IN:
        raise InvalidInput(
            f"The service fills “{remote.name}” in itself.",
            fields={our_field.value: ["Nothing can be written to this column: it is read only."]},
        )
    return direction, policy


def is_only_way_back(
    collection: SyncedCollection,
    rows: Sequence[FieldMapping],
    *,
    role: str,
    department_name: str,
    flags: Mapping[str, bool | None],
) -> bool:
    """Whether a collection would be read exactly as it is read already, and only what is written changes."""
    if not collection.is_enabled or collection.mapping_state != SyncedCollection.MappingState.CONFIRMED:
        return False
    if (collection.role, collection.department_name) != (role, department_name.strip()[:200]):
        return False
    stored = list(collection.mappings.all())
    if any(row.state != FieldMapping.State.CONFIRMED for row in stored):
        return False
    has_news = {(row.our_field, row.direction, row.policy) for row in stored} != {
        (row.our_field, row.direction, row.policy) for row in rows
    } or any(value is not None and value != getattr(collection, name) for name, value in flags.items())
    return has_news and sorted(map(_reading, stored)) == sorted(map(_reading, rows))


def _reading(row: FieldMapping) -> tuple[str, str, str, list[tuple[str, str]]]:
    return row.our_field, row.remote_field_id, row.remote_kind, sorted(row.option_values.items())
