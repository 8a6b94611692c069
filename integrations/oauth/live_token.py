"""A token that can be exchanged under the hands of whoever uses it, because access by OAuth expires."""

from uuid import UUID

from integrations.models import Connection
from integrations.oauth.grants import renew_access
from tenants.foundation.crypto import Secret
from tenants.secrets.services import reveal_secret
from tenants.tenancy import atomic


class LiveToken(Secret):
    """The access token of a connection by OAuth; `reveal()` gives the present one."""

    __slots__ = ("_connection_id", "_present")

    def __init__(self, connection_id: UUID, present: Secret) -> None:
        super().__init__("")
        self._connection_id = connection_id
        self._present = present

    def reveal(self) -> str:
        """Return the text itself."""
        return self._present.reveal()

    def __bool__(self) -> bool:
        return bool(self._present)

    def renew(self) -> None:
        """Take another one in the place of this, which was refused. Raises: SourceError, AccessWithdrawn."""
        self._present = renew_access(connection_id=self._connection_id, refused=self._present)


def token_of(connection: Connection) -> Secret:
    """The token of a connection; one that can be renewed where access was granted by OAuth. Raises: NotFound."""
    assert connection.token_secret_id is not None
    with atomic():
        present = reveal_secret(connection.token_secret_id)
    if connection.auth_kind == Connection.AuthKind.OAUTH:
        return LiveToken(connection.pk, present)
    return present
