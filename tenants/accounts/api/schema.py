"""How the tokens are described for OpenAPI; imported once, when the application starts."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from tenants.accounts.api.authentication import BearerTokenAuthentication


class BearerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the tokens for OpenAPI."""

    target_class = BearerTokenAuthentication
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the security scheme."""
        return {"type": "http", "scheme": "bearer", "description": "An API token of the company."}
