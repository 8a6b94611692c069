"""Sessions in the tenant's schema; a session of one company is worth nothing in another."""

from typing import Any, Final

import structlog
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import OperationalError

from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.backend.whereabouts import is_moving

log = structlog.get_logger(__name__)

TENANT_KEY: Final = "_tenant_id"


class SessionStore(DatabaseStore):
    """Django's store with a transaction around each query and the tenant's id inside each session.

    The id is what refuses a row that was copied into another company's schema, by a restore or a clone.
    """

    def load(self) -> dict[str, Any]:
        """Return the session's data, or nothing when it is another company's."""
        with atomic():
            data: dict[str, Any] = super().load()
        if data and data.get(TENANT_KEY) != str(current_tenant().id):
            log.warning("session.of_another_tenant")
            self._session_key = None
            return {}
        return data

    def exists(self, session_key: str) -> bool:
        """Say whether there is such a session."""
        with atomic():
            return super().exists(session_key)

    def save(self, must_create: bool = False) -> None:
        """Write the session. Raises: CreateError, UpdateError as Django's store does.

        While the company is being moved it stays as it was: a message may be shown twice, and no reader is stopped.
        """
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        data[TENANT_KEY] = str(current_tenant().id)
        try:
            with atomic():
                super().save(must_create=must_create)
        except (OperationalError, UpdateError) as error:
            if must_create or not (is_moving(error) or is_moving(error.__context__)):
                raise
            log.info("session.left_as_it_was")

    def delete(self, session_key: str | None = None) -> None:
        """Delete the session, or the one named."""
        with atomic():
            super().delete(session_key)

    def is_empty(self) -> bool:
        """Say whether there is nothing in the session but the tenant's mark."""
        try:
            cached = self._session_cache  # type: ignore[attr-defined]
            return not self._session_key and not (set(cached) - {TENANT_KEY})
        except AttributeError:
            return True
