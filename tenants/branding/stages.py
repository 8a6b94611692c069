"""The stages of the brand as they are stored: what is published and what is in work."""

from dataclasses import dataclass

from tenants.branding.models import Brand, BrandImage
from tenants.branding.values import BrandValues, ShownImage, values_as_made, values_of
from tenants.tenancy import current_tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandInWork:
    """What is published, what is in work, and the count of changes somebody saves against."""

    published: BrandValues
    draft: BrandValues | None
    version: int
    changed_by: str = ""

    @property
    def newest(self) -> BrandValues:
        """What a form shows."""
        return self.draft or self.published


def rows_by_stage() -> dict[str, Brand]:
    """The stored stages; one query, inside a transaction."""
    return {row.stage: row for row in Brand.objects.all()}


def in_work(rows: dict[str, Brand]) -> BrandInWork:
    """The same as values."""
    published, draft = rows.get(Brand.Stage.PUBLISHED), rows.get(Brand.Stage.DRAFT)
    newest = draft or published
    return BrandInWork(
        published=values_of(published) if published else values_as_made(current_tenant()),
        draft=values_of(draft) if draft else None,
        version=newest.version if newest else 0,
        changed_by=newest.changed_by if newest else "",
    )


def known_image(digest: str, *, slot: str) -> ShownImage | None:
    """An image that was taken in for a slot."""
    row = BrandImage.objects.filter(digest=digest, slot=slot).first()
    if row is None:
        return None
    return ShownImage(row.digest, {name: (size[0], size[1]) for name, size in row.sizes.items()})
