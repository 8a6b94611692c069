"""The steps by which a company is deleted: each may be repeated after it was cut short at any place."""

from datetime import datetime
from typing import Final
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants.foundation.errors import Conflict, ExternalServiceError
from tenants.foundation.signing import SignedDocument
from tenants.lifecycle.deletion import inventory
from tenants.lifecycle.deletion.letters import Addressee, Facts, Letter, owners_of, send
from tenants.lifecycle.export.keeping import count_archives, remove_all_archives
from tenants.lifecycle.export.stored_files import delete_stored_files, stored_files
from tenants.lifecycle.operations import Run, Step, register_saga
from tenants.lifecycle.restoring.services import drop_replaced_schemas
from tenants.lifecycle.retired_names import retire
from tenants.models import (
    DataKey,
    DeletionCertificate,
    DeletionRequest,
    Operation,
    SigningKey,
    Tenant,
)
from tenants.permissions import PLATFORM_SLUG
from tenants.secrets.keys import data_keys
from tenants.secrets.signing import sign_document
from tenants.tenancy.addresses import address_of
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.directory import directory
from tenants.tenancy.provisioning import SchemaPlace, drop_place

log = structlog.get_logger(__name__)
KIND: Final = Operation.Kind.DELETE
DOCUMENT_KIND, FORMAT_VERSION = "notion-task-sync.deletion-certificate", 1
NAME_OF_THE_DELETED: Final = "Deleted company"
# Mail servers are away for hours, not for days; after this many tries the certificate is the operator's to hand over.
MOST_TRIES: Final = 300
KEYS_PER_LOOK: Final = 1000


def check(run: Run) -> None:
    """Note what there is, while it is still there. Raises: Conflict (it was called off)."""
    tenant, request = _tenant(run), _request(run)
    if tenant.state != Tenant.State.PENDING_DELETION or request.cancelled_at is not None:
        raise Conflict("This company is not to be deleted any more.", code="deletion.called_off")
    run.remember(
        name=tenant.name,
        slug=tenant.slug,
        rows=inventory.count_rows(tenant),
        shared_rows=inventory.count_shared_rows(tenant),
        keys=inventory.keys_of(tenant),
        hosts=inventory.hosts_of(tenant),
        owners=[[each.email, each.language] for each in owners_of(tenant)],
        files=sum(1 for _ in stored_files(tenant.ref)),
        exports=count_archives(tenant.pk),
    )


def release(run: Run) -> None:
    """Nothing was deleted: it may be called off again, or begun another time."""
    DeletionRequest.objects.filter(pk=run.input["request_id"], done_at=None).update(begun_at=None)


def destroy_keys(run: Run) -> None:
    """Overwrite the wrapped data keys; from here on every sealed value of the company is unreadable."""
    tenant_id = _tenant_id(run)
    DataKey.objects.filter(tenant_id=tenant_id).update(state=DataKey.State.DESTROYED, wrapped=b"", kek_id="")
    data_keys().forget(tenant_id)
    # Only a table written anew has nothing left of its rows' former versions; it is small, and keys are cached.
    with owner_connection("default_owner") as connection:
        connection.autocommit = True
        connection.execute("VACUUM (FULL) tenants_datakey")
    log.info("data_keys.destroyed", tenant_id=str(tenant_id))


def remove_files(run: Run) -> None:
    """Delete uploaded files and finished exports."""
    tenant = _tenant(run)
    delete_stored_files(tenant.ref)
    remove_all_archives(tenant.pk)


def drop_schemas(run: Run) -> None:
    """Drop schema, role and shared rows, in every cell: a move may have left a copy in another one.

    What restores have put aside of the company goes, too.
    """
    tenant = _tenant(run)
    drop_replaced_schemas(tenant.pk)
    place = SchemaPlace(tenant.pk, tenant.schema, tenant.role)
    for cell in [*(each for each in settings.CELLS if each != tenant.cell), tenant.cell]:
        with owner_connection(f"{cell}_owner") as connection:
            drop_place(connection, place)
        run.beat()


def empty_caches(run: Run) -> None:
    """Delete what Valkey keeps under the company's id. Raises: ExternalServiceError when it does not answer."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as store:
            for key in store.scan_iter(match=f"*{_tenant_id(run)}*", count=KEYS_PER_LOOK):
                store.unlink(key)
    except redis.RedisError as error:
        raise ExternalServiceError("Valkey did not answer.", service="valkey", is_transient=True) from error


def leave_tombstone(run: Run) -> None:
    """Blank the company's entry and take its hosts away; nobody else gets slug or hosts."""
    tenant_id = _tenant_id(run)
    retire([run.context["slug"], *run.context["hosts"]])
    with transaction.atomic(using="default"):
        tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
        for relation in Tenant._meta.related_objects:
            if relation.related_model is not DataKey:  # their ids are in the certificate
                relation.related_model._base_manager.filter(**{relation.field.name: tenant}).delete()
        tenant.slug, tenant.name = f"deleted-{tenant_id.hex}", NAME_OF_THE_DELETED
        tenant.state, tenant.state_reason, tenant.delete_after = Tenant.State.DELETED, "", None
        tenant.language, tenant.time_zone, tenant.brand_color = "en", "UTC", "#5b5bd6"
        tenant.state_changed_at = timezone.now()
        tenant.version += 1
        tenant.save()
        run.remember(deleted_at=tenant.state_changed_at.isoformat())
    directory.forget()


def certify(run: Run) -> None:
    """Sign what was done; the same certificate however often it is asked for."""
    tenant_id, request, facts = _tenant_id(run), _request(run), run.context
    if DeletionCertificate.objects.filter(tenant_id=tenant_id).exists():
        return
    until = inventory.backups_until(datetime.fromisoformat(facts["deleted_at"]))
    signed = sign_document(
        {
            "kind": DOCUMENT_KIND,
            "format": FORMAT_VERSION,
            "company_id": str(tenant_id),
            "asked_as": request.asked_as,
            "asked_at": request.asked_at.isoformat(),
            "delete_after": request.delete_after.isoformat(),
            "begun_at": request.begun_at.isoformat() if request.begun_at else None,
            "deleted_at": facts["deleted_at"],
            "deleted": {
                "rows": facts["rows"],
                "shared_rows": facts["shared_rows"],
                "files": facts["files"],
                "exports": facts["exports"],
                "hosts": len(facts["hosts"]),
            },
            "destroyed_keys": facts["keys"],
            "backups_until": until.isoformat() if until else None,
        }
    )
    DeletionCertificate.objects.get_or_create(
        tenant_id=tenant_id,
        defaults={
            "document": signed.document,
            "signature": signed.signature,
            "signed_with": SigningKey.objects.get(pk=signed.key_id),
        },
    )


def write_letters(run: Run) -> None:
    """Send the former owners their certificate, each once as far as we can know. Raises: ExternalServiceError."""
    signed = certificate_of(_tenant_id(run))
    until = signed.document["backups_until"]
    facts: Facts = {
        "company": run.context["name"], "keys": f"{address_of(PLATFORM_SLUG)}/.well-known/signing-keys.json",
        "backups_until": timezone.localtime(datetime.fromisoformat(until)).date() if until else None,
    }  # fmt: skip
    while left := run.context.get("owners", []):
        try:
            send(Addressee(*left[0]), Letter.DONE, facts, enclosed=signed)
        except ExternalServiceError:
            if run.operation.attempts < MOST_TRIES:
                raise
            log.error("deletion.certificate_not_sent", operation=str(run.operation.pk))
        run.remember(owners=left[1:])


def forget(run: Run) -> None:
    """Blank what operations and requests say of the company and of people. Nothing that is left names either."""
    tenant_id = _tenant_id(run)
    others = Operation.objects.filter(tenant_id=tenant_id).exclude(pk=run.operation.pk)
    blank = f"deleted-{tenant_id.hex}"
    others.update(tenant_slug=blank, asked_by="", input={}, context={}, progress={}, result={}, error="")
    DeletionRequest.objects.filter(tenant_id=tenant_id).update(asked_by="", cancelled_by="", reason_before="")
    DeletionRequest.objects.filter(pk=run.input["request_id"], done_at=None).update(done_at=timezone.now())
    own = {"tenant_slug": blank, "asked_by": "", "context": {}, "progress": {}}
    Operation.objects.filter(pk=run.operation.pk).update(**own)
    for name, value in own.items():
        setattr(run.operation, name, value)


def certificate_of(tenant_id: UUID) -> SignedDocument:
    """The certificate of a deleted company. Raises: DeletionCertificate.DoesNotExist."""
    row = DeletionCertificate.objects.get(tenant_id=tenant_id)
    return SignedDocument(row.document, row.signature, str(row.signed_with_id))


def _tenant_id(run: Run) -> UUID:
    assert run.operation.tenant_id is not None
    return run.operation.tenant_id


def _tenant(run: Run) -> Tenant:
    return Tenant.objects.get(pk=_tenant_id(run))


def _request(run: Run) -> DeletionRequest:
    # Of this company and no other: what follows cannot be taken back.
    return DeletionRequest.objects.get(pk=run.input["request_id"], tenant_id=_tenant_id(run))


register_saga(
    KIND,
    Step("check", check, release),
    Step("destroy_keys", destroy_keys, is_final=True),
    Step("remove_files", remove_files, is_final=True),
    Step("drop_schemas", drop_schemas, is_final=True),
    Step("empty_caches", empty_caches, is_final=True),
    Step("leave_tombstone", leave_tombstone, is_final=True),
    Step("certify", certify, is_final=True),
    Step("write_letters", write_letters, is_final=True),
    Step("forget", forget, is_final=True),
)
