"""What must not come back with the rows of an earlier day: access that was taken away, and messages already sent."""

from collections.abc import Collection
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
# were taken off since, codes that were used and invitations that were withdrawn do not come back.
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
  WHERE NOT EXISTS (SELECT 1 FROM {live}.accounts_recoverycode l WHERE l.id = r.id AND l.used_at IS NULL);
UPDATE {restored}.accounts_invitation r SET revoked_at = l.revoked_at
  FROM {live}.accounts_invitation l WHERE l.id = r.id AND r.revoked_at IS NULL AND l.revoked_at IS NOT NULL
""")
SESSIONS = sql.SQL("""
DELETE FROM {restored}.django_session;
DELETE FROM {restored}.accounts_pendingsignin;
UPDATE {restored}.accounts_usersession SET ended_at = now(), ended_because = 'restored' WHERE ended_at IS NULL;
INSERT INTO {restored}.accounts_usedassertion (id, provider_id, assertion_hash, expires_at)
  SELECT l.id, l.provider_id, l.assertion_hash, l.expires_at FROM {live}.accounts_usedassertion l
  WHERE EXISTS (SELECT 1 FROM {restored}.accounts_identityprovider p WHERE p.id = l.provider_id)
  ON CONFLICT DO NOTHING
""")
# What later releases have brought: rows of an earlier day may be of a schema that has no such table yet. Links and
# codes that were used since do not sign in again, operators who visited are gone, keys of directories stay revoked.
LATER_SESSIONS = {
    "accounts_signinlink": sql.SQL("DELETE FROM {restored}.accounts_signinlink"),
    "accounts_signinhandover": sql.SQL("DELETE FROM {restored}.accounts_signinhandover"),
    "accounts_supportvisit": sql.SQL("""
UPDATE {restored}.accounts_supportvisit SET ended_at = now(), ended_because = 'restored' WHERE ended_at IS NULL
"""),
}
# Changes that wait for a second person: who said no since, or let the time run out, is not asked once more; what was
# carried out since was undone with the rows, and is to be proposed anew. That somebody was left alone since counts on:
# else whoever shut the others out would restore an hour ago, and not wait.
DECIDED = {
    "accounts_proposedchange": sql.SQL("""
UPDATE {restored}.accounts_proposedchange r
  SET state = CASE l.state WHEN 'applied' THEN 'stale' ELSE l.state END, decided_at = coalesce(l.decided_at, now()),
      note = l.note, arguments = '{{}}',
      decided_by_id = (SELECT u.id FROM {restored}.accounts_user u WHERE u.id = l.decided_by_id)
  FROM {live}.accounts_proposedchange l WHERE l.id = r.id AND r.state = 'open' AND l.state <> 'open';
DELETE FROM {restored}.secrets_secret s USING {restored}.accounts_proposedchange r
  WHERE s.owner_table = 'accounts_proposedchange' AND s.owner_id = r.id AND r.state <> 'open';
INSERT INTO {restored}.accounts_proposedchange
    (id, kind, target_id, target_name, arguments, diff, fingerprint, reason, proposed_by_id, proposed_at, expires_at,
     state, is_alone, decided_by_id, decided_at, note)
  SELECT l.id, l.kind, l.target_id, l.target_name, l.arguments, l.diff, l.fingerprint, l.reason,
         (SELECT u.id FROM {restored}.accounts_user u WHERE u.id = l.proposed_by_id), l.proposed_at, l.expires_at,
         l.state, l.is_alone, NULL, l.decided_at, l.note
  FROM {live}.accounts_proposedchange l WHERE l.kind = 'access.left_alone' AND l.expires_at > now()
  ON CONFLICT DO NOTHING
"""),
}
LATER_ACCESS = {
    "accounts_scimtoken": sql.SQL("""
UPDATE {restored}.accounts_scimtoken r SET revoked_at = l.revoked_at, expires_at = least(r.expires_at, l.expires_at)
  FROM {live}.accounts_scimtoken l WHERE l.id = r.id AND r.revoked_at IS NULL;
UPDATE {restored}.accounts_scimtoken r SET revoked_at = now()
  WHERE r.revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM {live}.accounts_scimtoken l WHERE l.id = r.id)
"""),
    # Letters do not go by a mail server that was given up since: it may be somebody else's by now.
    "branding_mailserver": sql.SQL("""
DELETE FROM {restored}.secrets_secret s USING {restored}.branding_mailserver r
  WHERE s.owner_table = 'branding_mailserver' AND s.owner_id = r.id
    AND NOT EXISTS (SELECT 1 FROM {live}.branding_mailserver l WHERE l.id = r.id);
DELETE FROM {restored}.branding_mailserver r
  WHERE NOT EXISTS (SELECT 1 FROM {live}.branding_mailserver l WHERE l.id = r.id);
UPDATE {restored}.branding_mailserver r SET code_hash = NULL, rests_until = NULL
"""),
}


def carry_over(connection: Connection, *, live: str, restored: str, keeps_access: bool) -> None:
    """Bring to the restored schema, in the caller's transaction, what the live one knows better.

    ``keeps_access``: passwords, deactivations and revoked tokens of since then count. Without it they are as they
    were at that moment, which is wanted when somebody has shut everybody else out. Either way sessions end, and a
    proposed change that was decided since stays decided.
    """
    names = {"live": sql.Identifier(live), "restored": sql.Identifier(restored)}
    scripts = [DELIVERIES, SESSIONS, *([ACCESS] if keeps_access else [])]
    later = LATER_SESSIONS | DECIDED | (LATER_ACCESS if keeps_access else {})
    scripts += [script for table, script in later.items() if _have(connection, (live, restored), table)]
    for script in scripts:
        connection.execute(script.format(**names).as_bytes(connection))


def _have(connection: Connection, schemas: Collection[str], table: str) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM pg_tables WHERE schemaname = ANY(%s) AND tablename = %s", [list(schemas), table]
    ).fetchone()
    return row is not None and row[0] == len(schemas)
