"""How much one bulk message may ask for in all its operations together, and what it counts for in a minute."""

from typing import Any, Final

from scim2_models import PayloadTooLargeException

# Of all PATCHes of a message; a single one alone has its own limit.
MOST_PATCHES: Final = 5_000
# People named as members, in all operations of a message.
MOST_MEMBERS: Final = 20_000
# Seconds after which the rest of a message is left undone and the directory told so: a proxy gives up at 60.
MOST_SECONDS: Final = 25.0
# So many parts of one operation are worth one request more.
_PARTS: Final = 100


def check_sizes(operations: list[dict[str, Any]]) -> None:
    """Refuse a message whose operations each keep within limits and together are too much.

    Raises: PayloadTooLargeException.
    """
    sizes = [_sizes(each) for each in operations]
    if sum(patches for patches, _ in sizes) > MOST_PATCHES:
        raise PayloadTooLargeException(
            detail=f"All PATCHes of a message together have {MOST_PATCHES} operations at most."
        )
    if sum(members for _, members in sizes) > MOST_MEMBERS:
        raise PayloadTooLargeException(detail=f"A message names {MOST_MEMBERS} members at most.")


def cost_of(operations: list[dict[str, Any]]) -> int:
    """What a message counts for in the directory's minute: one an operation, and one for every 100 parts of it."""
    return sum(1 + sum(_sizes(each)) // _PARTS for each in operations)


def _sizes(operation: dict[str, Any]) -> tuple[int, int]:
    """(operations of a PATCH, members named) of one operation of the message."""
    data = _lowered(_lowered(operation).get("data"))
    patches = data.get("operations")
    if not isinstance(patches, list):
        return 0, _named(data.get("members"))
    values = [_lowered(each).get("value") for each in patches]
    return len(patches), sum(
        _named(_lowered(value).get("members", value)) if value is not None else 0 for value in values
    )


def _named(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _lowered(value: Any) -> dict[str, Any]:
    return {str(key).lower(): each for key, each in value.items()} if isinstance(value, dict) else {}
