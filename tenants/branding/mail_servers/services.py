"""Setting a mail server up, proving that its letters arrive, and going back to the platform's."""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from tenants.accounts.access import Actor, UserActor, require
from tenants.accounts.keyed_hashes import keyed_hash, matches
from tenants.accounts.models import User
from tenants.branding.events import MailServerChanged
from tenants.branding.mail_servers.letters import TEST
from tenants.branding.mail_servers.pacing import may_test_now
from tenants.branding.mail_servers.routes import OWNER_TABLE, hand_over, route_to
from tenants.branding.mail_servers.selectors import CODE_VALID_FOR, MailServers, awaits_code, mail_servers_now
from tenants.branding.mail_servers.values import MailServerSettings, checked_settings, is_ours
from tenants.branding.mail_servers.warnings import forget_failing
from tenants.branding.models import MailServer
from tenants.branding.permissions import MANAGE_SENDER
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import Conflict, ExternalServiceError, InvalidInput, NotFound
from tenants.foundation.letters import Letter, write_letter
from tenants.foundation.letters.smtp import MailRoute
from tenants.foundation.letters.writing import Fact
from tenants.outbox.bus import publish
from tenants.secrets.services import delete_owners_secrets, reveal_secret, store_secret
from tenants.tenancy import atomic, current_tenant, on_commit, wait_for_turn

log = structlog.get_logger(__name__)
_TURN: Final = "mail_server"
_PURPOSE: Final = "mail_server_code"
CODE_DIGITS: Final = 6
# More would make of this page a way to flood somebody's box, or to knock at doors in a row.
BETWEEN_TESTS: Final = timedelta(seconds=15)
TEST_SECONDS: Final = 20.0
Stage = MailServer.Stage


@atomic
def save_mail_server(*, actor: Actor, settings: MailServerSettings) -> MailServers:
    """Keep a server that is still to be proved, in place of the last such one; the one in use goes on meanwhile.

    Without a password the one that is kept for the same host, port, protection and user goes on: it is never handed to
    another server. Raises: Forbidden, InvalidInput.
    """
    rows = _begun(actor)
    asked = checked_settings(settings)
    password = asked.password
    if password is None and asked.username:
        password = _kept_password(asked, rows)
    last = rows.get(Stage.CANDIDATE)
    row = MailServer(
        stage=Stage.CANDIDATE, host=asked.host, port=asked.port, security=asked.security, username=asked.username,
        from_address=asked.from_address, changed_by=actor.name[:200], code_sent_at=last.code_sent_at if last else None,
    )  # fmt: skip
    if last is not None:
        _delete(last)
    if password is not None:
        stored = store_secret(
            name="password", owner_table=OWNER_TABLE, owner_id=row.pk, value=password, actor=actor
        )
        row.password_id = stored.pk
    row.save(force_insert=True)
    _tell("saved", row)
    return mail_servers_now()


def send_test_letter(*, actor: Actor, to: str = "") -> str:
    """Have the server that is to be proved send a letter with a code; return the address. Outside any transaction.

    ``to`` is somebody of the company, the actor where nothing is said. Raises: Forbidden, NotFound (nothing to prove),
    InvalidInput, Conflict (one was sent a moment ago), ExternalServiceError (what the server did instead).
    """
    with atomic():
        row, route, letter = _test_letter(actor, to)
    problem = ""
    try:
        hand_over(letter, route=route, address=row.from_address, seconds=TEST_SECONDS)
    except ExternalServiceError as error:
        problem = error.message[:400]
        raise
    finally:
        with atomic():
            gone = {"code_hash": None} if problem else {}
            # A server can take longer to fail than the next letter waits: that one's code stays good.
            MailServer.objects.filter(pk=row.pk, code_sent_at=row.code_sent_at).update(
                problem=problem, **gone
            )
        log.info("mail_server.tested", host=row.host, problem=problem)
    return letter.to


def confirm_mail_server(*, actor: Actor, code: str) -> MailServers:
    """Use the server from now on: whoever typed the code has read its letter. A wrong code is counted.

    Raises: Forbidden, NotFound (nothing to prove), InvalidInput (wrong, too old, or the domain is not proved any more).
    """
    with atomic():
        rows = _begun(actor)
        row = _candidate(rows)
        is_right = awaits_code(row) and matches(row.code_hash or b"", _PURPOSE, f"{row.pk}:{_digits(code)}")
        if not is_right:
            row.code_tries += 1
            row.save(update_fields=["code_tries"])
        elif not is_ours(row.from_address):
            raise _not_ours()
        else:
            if active := rows.get(Stage.ACTIVE):
                _delete(active)
            row.stage, row.proved_at, row.changed_by = Stage.ACTIVE, timezone.now(), actor.name[:200]
            row.code_hash, row.problem = None, ""
            row.save()
            _tell("proved", row)
            on_commit(forget_failing)
            return mail_servers_now()
    # Raised after the commit, so that the wrong try counts.
    if awaits_code(row):
        raise _invalid("This is not the code of the last test letter.", "code")
    raise _invalid("There is no code to compare with any more: send another test letter.", "code")


@atomic
def discard_candidate(*, actor: Actor) -> MailServers:
    """Forget the server that is still to be proved. Raises: Forbidden, NotFound."""
    row = _candidate(_begun(actor))
    _delete(row)
    _tell("discarded", row)
    return mail_servers_now()


@atomic
def remove_mail_server(*, actor: Actor) -> None:
    """Have the platform's server send letters again; passwords leave the vault. Raises: Forbidden, NotFound."""
    rows = _begun(actor)
    if not rows:
        raise NotFound("The company has no mail server of its own.", code="not_found.mail_server")
    for row in rows.values():
        _delete(row)
        _tell("removed", row)
    on_commit(forget_failing)


def _begun(actor: Actor) -> dict[str, MailServer]:
    require(actor, MANAGE_SENDER)
    wait_for_turn(_TURN)
    return {row.stage: row for row in MailServer.objects.select_for_update(no_key=True).order_by("stage")}


def _candidate(rows: dict[str, MailServer]) -> MailServer:
    row = rows.get(Stage.CANDIDATE)
    if row is None:
        raise NotFound("There is no mail server to be proved.", code="not_found.mail_server")
    return row


def _test_letter(actor: Actor, to: str) -> tuple[MailServer, MailRoute, Letter]:
    """The letter, with its code noted: the code is of this server, as it is set up now."""
    row = _candidate(_begun(actor))
    address = _reader(actor, to)
    now = timezone.now()
    is_soon = row.code_sent_at is not None and now - row.code_sent_at < BETWEEN_TESTS
    # Counted beside the row as well: that one can be thrown away and made anew.
    if is_soon or not may_test_now(BETWEEN_TESTS):
        raise Conflict("A test letter was sent a moment ago. Wait a little.", code="conflict.test_letter")
    if not is_ours(row.from_address):
        raise _not_ours()
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    row.code_hash, row.code_sent_at, row.code_tries = keyed_hash(_PURPOSE, f"{row.pk}:{code}"), now, 0
    row.save(update_fields=["code_hash", "code_sent_at", "code_tries"])
    facts: dict[str, Fact] = {
        "company": current_tenant().name, "code": f"{code[:3]} {code[3:]}", "host": row.host,
        "minutes": int(CODE_VALID_FOR.total_seconds() // 60),
    }  # fmt: skip
    language = getattr(getattr(actor, "user", None), "language", "") or current_tenant().language
    # By this server and no other, whatever is in use.
    letter = replace(write_letter(TEST.code, to=address, facts=facts, language=language), carrier=None)
    return row, route_to(row), letter


def _reader(actor: Actor, to: str) -> str:
    """To whom: people of the company only, so that nobody is written to by strangers through us."""
    own = actor.user.email if isinstance(actor, UserActor) else ""
    wanted = to.strip().lower() or own
    people = User.objects.filter(is_active=True, service_account=None, support_account=None)
    if not people.filter(email=wanted).exists():
        raise _invalid("Give the address of somebody of the company.", "to")
    return wanted


def _kept_password(asked: MailServerSettings, rows: dict[str, MailServer]) -> Secret | None:
    same = (asked.host, asked.port, asked.security, asked.username)
    for stage in (Stage.CANDIDATE, Stage.ACTIVE):
        row = rows.get(stage)
        if row is not None and row.password_id and same == (row.host, row.port, row.security, row.username):
            return reveal_secret(row.password_id)
    raise _invalid("Enter the password: the one that is kept is of another server or user.", "password")


def _delete(row: MailServer) -> None:
    delete_owners_secrets(owner_table=OWNER_TABLE, owner_id=row.pk)
    MailServer.objects.filter(pk=row.pk).delete()


def _tell(what: str, row: MailServer) -> None:
    publish(MailServerChanged(what=what, host=row.host, from_address=row.from_address))
    log.info("mail_server.changed", what=what, host=row.host)


def _digits(code: str) -> str:
    return "".join(code.split())[:20]


def _not_ours() -> InvalidInput:
    return _invalid("The domain of this address is not proved any more.", "from_address")


def _invalid(text: str, field: str) -> InvalidInput:
    return InvalidInput(text, code=f"invalid_input.mail_server_{field}", fields={field: [text]})
