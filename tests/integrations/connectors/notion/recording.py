"""An HTTP client that keeps what was sent, and holds every body against Notion's own strict description."""

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.notion.routing import find_route
from tenants.foundation.http import OutboundClient, OutboundResponse
from tests.integrations.sandbox.notion import contract

#: Where the description is narrower than Notion: what of a body is left out of the check, and why.
KNOWN_GAPS: Mapping[str, str] = {
    "email": "The description allows 100 characters, Notion's page on request limits 200.",
    "phone_number": "The description allows 100 characters, Notion's page on request limits 200.",
}


class RecordingHttp(OutboundClient):
    """Sends for real. `bodies` has (method, path, body) of every call, in order."""

    def __init__(self, base_url: str) -> None:
        super().__init__(service="notion", base_url=base_url)
        self.bodies: list[tuple[str, str, Any]] = []

    def request(self, method: str, url: str, **values: Any) -> OutboundResponse:
        self.bodies.append((method, url, values.get("json")))
        return super().request(method, url, **values)

    @property
    def sent(self) -> Any:
        """The last body."""
        return self.bodies[-1][2]

    def assert_all_conform(self) -> None:
        for method, url, body in self.bodies:
            route = find_route(method, url.partition("?")[0])
            assert route is not None, f"{method} {url} is nothing Notion knows"
            if body is not None and contract.is_available:
                contract.assert_request_conforms(route[0].endpoint, without_gaps(body))


def without_gaps(body: Any) -> Any:
    """The body without values whose description is known to be too narrow, where they are longer than it says."""
    properties = body.get("properties") if isinstance(body, Mapping) else None
    if not isinstance(properties, Mapping):
        return body
    kept = {key: value for key, value in properties.items() if not _is_gap(value)}
    return {**body, "properties": kept}


def _is_gap(value: Any) -> bool:
    return isinstance(value, Mapping) and any(100 < len(value.get(name) or "") <= 200 for name in KNOWN_GAPS)
