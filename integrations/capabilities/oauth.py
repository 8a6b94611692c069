"""The capability "OAuth": how a person grants us access to their workspace at an outside service."""

from dataclasses import dataclass
from typing import Protocol

from integrations.capabilities.values import RemoteIdentity
from tenants.foundation.crypto import Secret


@dataclass(frozen=True, slots=True)
class GrantedAccess:
    """What a code or a refresh token was exchanged for. `refresh_token` is None where the service gives none."""

    access_token: Secret
    refresh_token: Secret | None
    identity: RemoteIdentity
    owner_name: str = ""
    template_id: str = ""


class OAuthProvider(Protocol):
    """Speaks with the token endpoint of one service in the name of our public integration.

    Every method but the first is exactly one call and raises `SourceError`: `UNAUTHORISED` when the code or the token
    is not accepted (any more), `FORBIDDEN` when we are not (a wrong client id or secret).
    """

    def authorise_url(self, *, state: str, redirect_uri: str) -> str:
        """Where a person is sent to choose what they share. No call."""
        ...

    def exchange(self, *, code: str, redirect_uri: str) -> GrantedAccess:
        """Tokens for a code; each code works once."""
        ...

    def refresh(self, *, refresh_token: Secret) -> GrantedAccess:
        """A new pair of tokens; the old pair may be void from this moment on."""
        ...

    def revoke(self, *, token: Secret) -> None:
        """Give the access back. A token that is unknown or void already is no error."""
        ...
