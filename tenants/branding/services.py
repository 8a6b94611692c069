"""Changing the brand: a draft first, seen by nobody but those who make it, then published at once to everybody."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from tenants.accounts.access import Actor, Role, require
from tenants.accounts.models import EmailDomain, RoleBinding
from tenants.branding.drawing import BOXES, DrawnImage
from tenants.branding.events import BrandChanged
from tenants.branding.models import Brand, BrandImage
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.branding.stages import BrandInWork, in_work, known_image, rows_by_stage
from tenants.branding.values import (
    DEFAULT_COLOR,
    BrandValues,
    ShownImage,
    checked_texts,
    images_stored,
    values_of,
)
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.foundation.ids import uuid7
from tenants.models import Tenant
from tenants.outbox.bus import publish
from tenants.tenancy import atomic, current_tenant, on_commit, wait_for_turn
from tenants.tenancy.directory import directory

log = structlog.get_logger(__name__)
MAKE_KNOWN_JOB: Final = "branding.make_known"
_TURN: Final = "branding"
# Images that nothing shows any more are kept for a while: a restored or discarded state may name them.
MOST_OLD_IMAGES: Final = 60


@atomic
def change_draft(*, actor: Actor, texts: Mapping[str, str], seen: int | None = None) -> BrandInWork:
    """Change texts and colour of the draft, which is begun from what is published.

    ``seen`` is the version the change was made against. Raises: Forbidden, InvalidInput, Conflict.
    """
    now = _begun(actor, seen)
    tidied = checked_texts(texts)
    if tidied.get("reply_to") and tidied["reply_to"] != now.published.reply_to:
        _check_reply_to(tidied["reply_to"])
    return _keep_draft(actor, now, now.newest.with_texts(tidied))


@atomic
def set_image(*, actor: Actor, slot: str, image: DrawnImage, seen: int | None = None) -> BrandInWork:
    """Put an image that was drawn anew into the draft. Raises: Forbidden, NotFound (no such slot), Conflict."""
    now = _begun(actor, seen)
    _check_slot(slot)
    images = {**now.newest.images, slot: _taken_in(slot, image)}
    kept = _keep_draft(actor, now, replace(now.newest, images=images))
    _tidy_images(kept)
    return kept


@atomic
def replace_draft(*, actor: Actor, texts: Mapping[str, str], images: Mapping[str, DrawnImage]) -> BrandInWork:
    """Make the draft these texts and exactly these images; texts that are not named stay.

    Raises: Forbidden, NotFound (no such slot), InvalidInput.
    """
    now = _begun(actor, None)
    tidied = checked_texts(texts)
    if tidied.get("reply_to") and tidied["reply_to"] != now.published.reply_to:
        _check_reply_to(tidied["reply_to"])
    for slot in images:
        _check_slot(slot)
    shown = {slot: _taken_in(slot, image) for slot, image in images.items()}
    kept = _keep_draft(actor, now, replace(now.newest.with_texts(tidied), images=shown))
    _tidy_images(kept)
    return kept


@atomic
def remove_image(*, actor: Actor, slot: str, seen: int | None = None) -> BrandInWork:
    """Take an image out of the draft; no harm when there is none. Raises: Forbidden, NotFound, Conflict."""
    now = _begun(actor, seen)
    _check_slot(slot)
    left = {name: image for name, image in now.newest.images.items() if name != slot}
    return _keep_draft(actor, now, replace(now.newest, images=left))


@atomic
def reset_draft(*, actor: Actor, seen: int | None = None) -> BrandInWork:
    """Make the draft what a new company has: its name and our colour. Nothing is published by it."""
    now = _begun(actor, seen)
    return _keep_draft(actor, now, BrandValues(name=now.published.name, color=DEFAULT_COLOR))


@atomic
def discard_draft(*, actor: Actor, seen: int | None = None) -> BrandInWork:
    """Throw the draft away. Raises: Forbidden, Conflict."""
    now = _begun(actor, seen)
    if now.draft is None:
        return now
    Brand.objects.filter(stage=Brand.Stage.DRAFT).delete()
    # The count goes on: whoever still has the draft on the screen learns that it is gone.
    Brand.objects.update_or_create(
        stage=Brand.Stage.PUBLISHED, defaults=_columns(actor, now.published, now.version + 1)
    )
    return in_work(rows_by_stage())


@atomic
def publish_draft(*, actor: Actor, seen: int | None = None) -> BrandInWork:
    """Show the draft to everybody from now on. Raises: Forbidden, Conflict (changed meanwhile, nothing to publish)."""
    now = _begun(actor, seen)
    if now.draft is None:
        raise Conflict("There is nothing new to publish.", code="conflict.brand_unchanged")
    changed = now.draft.differing_from(now.published)
    Brand.objects.filter(stage=Brand.Stage.DRAFT).delete()
    Brand.objects.update_or_create(
        stage=Brand.Stage.PUBLISHED, defaults=_columns(actor, now.draft, now.version + 1)
    )
    if changed:
        publish(BrandChanged(changed=changed, version=now.version + 1))
    make_known_later()
    log.info("brand.published", version=now.version + 1, changed=changed)
    return in_work(rows_by_stage())


def make_known_later() -> None:
    """Have every process learn of the brand once this transaction is committed; a job sees to it if this one dies."""
    enqueue(MAKE_KNOWN_JOB, object_id=uuid7(), priority=10)
    on_commit(make_known)


def make_known() -> None:
    """Write name and colour of the published brand into the directory, which tells every process. Safe to repeat."""
    tenant = current_tenant()
    with transaction.atomic(using="default"):
        # The row is held first, so of two that publish the later one's values stay.
        row = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.id)
        with atomic():
            brand = Brand.objects.filter(stage=Brand.Stage.PUBLISHED).first()
        if brand is not None:
            row.name, row.brand_color = brand.name, brand.color
            row.save(update_fields=["name", "brand_color", "updated_at"])
    directory.forget()


def image_name(digest: str, size: str) -> str:
    """The name of an image's file in the company's storage."""
    return f"branding/{digest}/{size}.png"


def _begun(actor: Actor, seen: int | None) -> BrandInWork:
    """Take turns, so that of two who saved at once one is told. Raises: Forbidden, Conflict."""
    require(actor, MANAGE_BRANDING)
    wait_for_turn(_TURN)
    now = in_work(rows_by_stage())
    if seen is not None and seen != now.version:
        who = f" by {now.changed_by}" if now.changed_by else ""
        raise Conflict(
            f"The brand was changed{who} meanwhile. Nothing was saved; load the page to see it.",
            code="conflict.brand_changed",
            params={"version": now.version},
        )
    return now


def _keep_draft(actor: Actor, now: BrandInWork, values: BrandValues) -> BrandInWork:
    if values == now.newest:
        return now
    columns = _columns(actor, values, now.version + 1)
    row, _ = Brand.objects.update_or_create(stage=Brand.Stage.DRAFT, defaults=columns)
    return replace(now, draft=values_of(row), version=row.version, changed_by=row.changed_by)


def _columns(actor: Actor, values: BrandValues, version: int) -> dict[str, object]:
    return {
        **values.texts, "images": images_stored(values.images), "version": version, "changed_by": actor.name[:200],
    }  # fmt: skip


def _check_slot(slot: str) -> None:
    if slot not in BOXES:
        raise NotFound("There is no such image in a brand.", code="not_found.brand_image")


def _check_reply_to(address: str) -> None:
    """Answers go to the company's own: a proved domain, or somebody who runs the company."""
    domain = address.rpartition("@")[2].lower()
    is_proved = EmailDomain.objects.filter(domain=domain, state=EmailDomain.State.VERIFIED).exists()
    runs_it = RoleBinding.objects.company_wide().in_force().filter(
        role__in=[Role.OWNER, Role.ADMIN], user__is_active=True, user__email=address.lower()
    )  # fmt: skip
    if not is_proved and not runs_it.exists():
        sentence = "Prove this domain first (Single sign-on, e-mail domains), or give the address of an administrator."
        raise InvalidInput(sentence, code="invalid_input.reply_to_not_ours", fields={"reply_to": [sentence]})


def _taken_in(slot: str, image: DrawnImage) -> ShownImage:
    shown = known_image(image.digest, slot=slot)
    if shown is None:
        row = BrandImage.objects.create(digest=image.digest, slot=slot, sizes=image.sizes)
        shown = ShownImage(row.digest, {name: (size[0], size[1]) for name, size in image.sizes.items()})
    for name, picture in image.pictures.items():
        _store(image_name(image.digest, name), picture.content)
    return shown


def _store(name: str, content: bytes) -> None:
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))


def _tidy_images(now: BrandInWork) -> None:
    """Let go of the oldest images that are in no stage, files with them."""
    shown = {image.digest for values in (now.published, now.newest) for image in values.images.values()}
    old = list(BrandImage.objects.exclude(digest__in=shown).order_by("-created_at")[MOST_OLD_IMAGES:])
    for row in old:
        on_commit(partial(_delete_files, [image_name(row.digest, size) for size in row.sizes]))
        row.delete()


def _delete_files(names: list[str]) -> None:
    for name in names:
        default_storage.delete(name)
