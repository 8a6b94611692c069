"""Where idempotency keys are kept: a row per key in the company's own schema, for a day."""

import base64
import json
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from tenants.accounts.keyed_hashes import keyed_hash
from tenants.accounts.models import IdempotencyRecord
from tenants.foundation.crypto import Place, Secret
from tenants.foundation.idempotency import Claim, StoredAnswer, in_progress, key_reused
from tenants.secrets.keys import envelope
from tenants.tenancy import atomic, current_tenant

KEPT_FOR: Final = timedelta(hours=24)
# A first request that has not answered after this long has died with its process.
_AT_WORK_FOR: Final = timedelta(minutes=5)

_SEALED: Final = "sealed"


class DatabaseIdempotencyStore:
    """Claims by inserting under a unique constraint.

    Where the request runs in one transaction a second one with the same key waits for the first to end and
    then finds its answer, or finds nothing when the first failed. Where the view opens its own transactions
    the claim is committed before the work, and a second request meanwhile gets a Conflict.
    """

    def claim(self, claim: Claim) -> StoredAnswer | None:
        """Take the key, or return its answer. Raises: Conflict (at work), InvalidInput (another body)."""
        with atomic():
            now = timezone.now()
            own = self._row(claim)
            IdempotencyRecord.objects.filter(
                actor_id=claim.actor_id, route=claim.route, key=claim.key, expires_at__lte=now
            ).delete()
            IdempotencyRecord.objects.bulk_create([own], ignore_conflicts=True)
            found = IdempotencyRecord.objects.select_for_update().get(
                actor_id=claim.actor_id, route=claim.route, key=claim.key
            )
            if found.pk == own.pk:
                return None
            # The second form is what the release before kept.
            if found.request_hash not in (own.request_hash, claim.request_hash):
                raise key_reused()
            if found.status is None:
                if found.created_at > now - _AT_WORK_FOR:
                    raise in_progress()
                found.created_at = now
                found.save(update_fields=["created_at"])
                return None
            return StoredAnswer(status=found.status, body=_opened(found), headers=found.headers)

    def keep(self, claim: Claim, answer: StoredAnswer) -> None:
        """Write the answer beside the claim."""
        with atomic():
            row = IdempotencyRecord.objects.filter(
                actor_id=claim.actor_id, route=claim.route, key=claim.key
            ).first()
            if row is not None:
                row.status, row.body, row.headers = answer.status, _sealed(row, answer.body), answer.headers
                row.save(update_fields=["status", "body", "headers"])

    def release(self, claim: Claim) -> None:
        """Give the key up."""
        with atomic():
            IdempotencyRecord.objects.filter(
                actor_id=claim.actor_id, route=claim.route, key=claim.key, status=None
            ).delete()

    @staticmethod
    def _row(claim: Claim) -> IdempotencyRecord:
        return IdempotencyRecord(
            actor_id=claim.actor_id,
            route=claim.route,
            key=claim.key,
            # Keyed: a plain hash of a body with a password in it could be guessed at.
            request_hash=keyed_hash("idempotency", claim.request_hash).hex(),
            expires_at=timezone.now() + KEPT_FOR,
        )


def _place(row: IdempotencyRecord) -> Place:
    return Place(
        tenant_id=current_tenant().id, table=IdempotencyRecord._meta.db_table, column="body", row_id=row.pk
    )


def _sealed(row: IdempotencyRecord, body: Any) -> dict[str, str]:
    """An answer may hold a link or a key that is shown once: whoever reads the table reads none of it."""
    sealed = envelope().seal(Secret(json.dumps(body)), _place(row))
    return {_SEALED: base64.b64encode(sealed).decode()}


def _opened(row: IdempotencyRecord) -> Any:
    if not isinstance(row.body, dict) or set(row.body) != {_SEALED}:
        return row.body  # kept by the release before, or nothing at all
    return json.loads(envelope().open(base64.b64decode(row.body[_SEALED]), _place(row)).reveal())


@atomic
def delete_expired_records(*, limit: int = 5000) -> int:
    """Delete answers older than a day, up to `limit` a call; return how many they were."""
    expired = IdempotencyRecord.objects.filter(expires_at__lte=timezone.now()).values("pk")[:limit]
    return IdempotencyRecord.objects.filter(pk__in=expired).delete()[0]
