"""What must not come back with the rows of an earlier day: access that was taken away, and messages already sent."""

from typing import Any

import psycopg
from psycopg import sql

type Connection = psycopg.Connection[tuple[Any, ...]]

# An event's message that went out since does not go out twice; one that was cleared away since had gone out.
DELIVERIES = sql.SQL("""
UPDATE {restored}.outbox_delivery r SET state = l.state, settled_at = l.settled_at, attempts = l.attempts
  FROM {live}.outbox_delivery l WHERE l.id = r.id AND r.state = 'waiting' AND l.state <> 'waiting';
UPDATE {restored}.outbox_delivery r SET state = 'delivered', settled_at = now()
  WHERE r.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM {live}.outbox_delivery l WHERE l.id = r.id)
""")
# Everybody signs in again, with the password of now; who was shut out stays so, and so do tokens. Second factors that
# were taken off since, and codes that were used, do not come back.
ACCESS = sql.SQL("""
UPDATE {restored}.accounts_user r SET password = l.password, is_active = r.is_active AND l.is_active
  FROM {live}.accounts_user l WHERE l.id = r.id;
UPDATE {restored}.accounts_apitoken r SET revoked_at = l.revoked_at
  FROM {live}.accounts_apitoken l WHERE l.id = r.id AND r.revoked_at IS NULL AND l.revoked_at IS NOT NULL;
UPDATE {restored}.accounts_apitoken r SET revoked_at = now()
  WHERE r.revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM {live}.accounts_apitoken l WHERE l.id = r.id);
DELETE FROM {restored}.accounts_passkey r
  WHERE NOT EXISTS (SELECT 1 FROM {live}.accounts_passkey l WHERE l.id = r.id AND l.suspected_at IS NULL);
UPDATE {restored}.accounts_passkey r SET sign_count = greatest(r.sign_count, l.sign_count)
  FROM {live}.accounts_passkey l WHERE l.id = r.id;
DELETE FROM {restored}.accounts_authenticatorapp r
  WHERE NOT EXISTS (SELECT 1 FROM {live}.accounts_authenticatorapp l WHERE l.id = r.id);
UPDATE {restored}.accounts_authenticatorapp r SET last_counter = greatest(r.last_counter, l.last_counter)
  FROM {live}.accounts_authenticatorapp l WHERE l.id = r.id;
DELETE FROM {restored}.accounts_recoverycode r
  WHERE NOT EXISTS (SELECT 1 FROM {live}.accounts_recoverycode l WHERE l.id = r.id AND l.used_at IS NULL)
""")
SESSIONS = sql.SQL("""
DELETE FROM {restored}.django_session;
UPDATE {restored}.accounts_usersession SET ended_at = now(), ended_because = 'restored' WHERE ended_at IS NULL
""")


def carry_over(connection: Connection, *, live: str, restored: str, keeps_access: bool) -> None:
    """Bring to the restored schema, in the caller's transaction, what the live one knows better.

    ``keeps_access``: passwords, deactivations and revoked tokens of since then count. Without it they are as they
    were at that moment, which is wanted when somebody has shut everybody else out. Sessions end either way.
    """
    names = {"live": sql.Identifier(live), "restored": sql.Identifier(restored)}
    scripts = [DELIVERIES, SESSIONS, *([ACCESS] if keeps_access else [])]
    for script in scripts:
        connection.execute(script.format(**names).as_bytes(connection))
