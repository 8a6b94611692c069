"""Messages as Entra, Okta and others write them, read with the SCIM library in the form of the RFC."""

from typing import Any, Final

from scim2_models import (
    Context,
    InvalidPathException,
    InvalidSyntaxException,
    PatchOp,
    PayloadTooLargeException,
)

from tenants.accounts.scim.schemas import LONGEST_FILTER, MOST_PATCHES, PROVIDER, Group, Person

_PATCH_URN: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MODELS: Final[dict[str, Any]] = {"User": Person, "Group": Group}


def resource_of(payload: object, kind: str, context: Context) -> Any:
    """Read a resource out of a POST or PUT. Raises: ValidationError, SCIMException."""
    model = MODELS[kind]
    with PROVIDER:
        return model.model_validate(_object(payload), scim_ctx=context)


def patch_of(payload: object, kind: str) -> Any:
    """Read a PATCH. Raises: ValidationError, SCIMException."""
    model: Any = PatchOp.__class_getitem__(MODELS[kind])
    body = dict(_object(payload))
    body.setdefault("schemas", [_PATCH_URN])
    for name in [each for each in body if each.lower() == "operations"]:
        operations = body.pop(name)
        if isinstance(operations, list):
            operations = [one for each in operations for one in _single(each)]
            _check_sizes(operations)
        body["Operations"] = operations
    with PROVIDER:
        return model.model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)


def _check_sizes(operations: list[object]) -> None:
    """Refuse what would take long to be taken apart. Raises: PayloadTooLargeException, InvalidPathException."""
    if len(operations) > MOST_PATCHES:
        raise PayloadTooLargeException(detail=f"{MOST_PATCHES} operations of a PATCH are the most.")
    for each in operations:
        for name, path in each.items() if isinstance(each, dict) else ():
            if str(name).lower() == "path" and isinstance(path, str) and len(path) > LONGEST_FILTER:
                raise InvalidPathException(detail=f"A path has {LONGEST_FILTER} characters at most.")


def _single(operation: object) -> list[object]:
    """Take operations of their own out of a value without a path whose keys choose an entry: Entra writes them so."""
    if not isinstance(operation, dict):
        return [operation]
    named = {key.lower(): key for key in operation if isinstance(key, str)}
    value = operation.get(named.get("value", "value"))
    if operation.get(named.get("path", "path")) or not isinstance(value, dict):
        return [operation]
    chosen = {key: item for key, item in value.items() if isinstance(key, str) and "[" in key}
    if not chosen:
        return [operation]
    op = operation.get(named.get("op", "op"))
    rest = {key: item for key, item in value.items() if key not in chosen}
    found: list[object] = [{"op": op, "value": rest}] if rest else []
    return [*found, *({"op": op, "path": path, "value": item} for path, item in chosen.items())]


def _object(payload: object) -> dict[str, Any]:
    if not isinstance(payload, dict):
        raise InvalidSyntaxException(detail="The body is not a JSON object.")
    return payload
