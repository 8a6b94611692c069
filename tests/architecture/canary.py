"""Companies filled so that every row and every text of theirs can be recognised wherever it turns up."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import connections, models

from tasks.models import Task
from tenants.foundation.ids import uuid7
from tenants.models import DeletionCertificate, Domain, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.router import plane_of

# Columns whose text has a form of its own: how the mark is written there.
FORMS: dict[str, Any] = {
    "tasks.NumberSeries.prefix": lambda mark: mark.upper(),
    # Far from the numbers that are taken.
    "tasks.NumberSeries.last_number": lambda mark: 1000,
    "tasks.Project.key": lambda mark: mark.upper(),
    "tasks.Task.key_prefix": lambda mark: mark.upper(),
    "tasks.TaskActivity.changes": lambda mark: {"title": [mark, f"{mark} again"]},
    "integrations.SyncRunIssue.samples": lambda mark: [
        {"remote_id": mark, "title": mark, "url": f"https://{mark}.example/", "detail": mark}
    ],
    "integrations.SyncedCollection.schema": lambda mark: [
        {
            "id": mark,
            "name": mark,
            "kind": "text",
            "remote_type": mark,
            "options": [],
            "related_collection_id": mark,
        }
    ],
    "integrations.ExternalLink.unresolved": lambda mark: {"parent": [mark]},
    "integrations.FieldMapping.options": lambda mark: [
        {"id": mark, "name": mark, "value": mark, "reason": mark, "is_certain": True}
    ],
    "branding.Brand.color": lambda mark: "#5b5bd6",
    "branding.Brand.images": lambda mark: {
        "light": {"digest": sha256(mark.encode()).hexdigest(), "sizes": {"full": [4, 1], "half": [2, 1]}}
    },
    "branding.BrandImage.digest": lambda mark: sha256(mark.encode()).hexdigest(),
    "branding.BrandImage.sizes": lambda mark: {"full": [4, 1], "half": [2, 1]},
    "branding.LetterText.kind": lambda mark: "invitation",
    "branding.LetterText.language": lambda mark: "en",
    # A server that nothing is sent to: its sender's domain is nobody's.
    "branding.MailServer.security": lambda mark: "tls",
    "branding.MailServer.port": lambda mark: 465,
    "branding.MailServer.password_id": lambda mark: None,
    "accounts.EmailDomain.domain": lambda mark: f"{mark}.example",
    "tenants.CustomDomain.host": lambda mark: f"{mark}.example.com",
    "tenants.OperatorGrant.wanted_minutes": lambda mark: 60,
    "accounts.IdentityProvider.kind": lambda mark: "oidc",
    "accounts.IdentityProvider.preset": lambda mark: "oidc",
    "accounts.IdentityProvider.certificates": lambda mark: [],
    "accounts.IdentityProvider.default_role": lambda mark: "member",
    "accounts.IdentityProvider.test_findings": lambda mark: [{"mark": "ok", "title": mark, "advice": ""}],
    "accounts.GroupRule.role": lambda mark: "member",
    "accounts.ScimDirectory.default_role": lambda mark: "member",
    "accounts.ScimDirectory.brake_percent": lambda mark: 20,
    "accounts.ScimDirectory.requests_per_minute": lambda mark: 3000,
    "accounts.ScimToken.allowed_networks": lambda mark: [],
    "accounts.ExternalIdentity.groups": lambda mark: [mark],
    # An open one would be streamed until it ends.
    "integrations.SyncRun.state": lambda mark: "failed",
    # Rules under which everybody may still come in, from here, for a day.
    "accounts.AccessPolicy.allowed_networks": lambda mark: [],
    "accounts.AccessPolicy.mfa_required_for": lambda mark: [],
    "accounts.AccessPolicy.idle_minutes": lambda mark: 24 * 60,
    "accounts.AccessPolicy.absolute_hours": lambda mark: 24,
    "accounts.AccessPolicy.step_up_minutes": lambda mark: 240,
    "accounts.AccessPolicy.token_max_days": lambda mark: 365,
    "accounts.ApiToken.allowed_networks": lambda mark: [],
    # Words of ours that pages look up.
    "integrations.Connection.connector": lambda mark: "notion",
    "integrations.FieldMapping.our_field": lambda mark: "title",
    "integrations.Conflict.our_field": lambda mark: "title",
    "integrations.FieldMapping.remote_kind": lambda mark: "text",
}

# References of which a row has one only: the others stay empty.
EMPTY = {f"accounts.RoleBinding.{name}" for name in ("group", "department", "token", "custom_role")} | {
    "tasks.ApprovalRequest.milestone",
    "tasks.ApprovalRequest.project",
    "tasks.ApprovalApprover.group",
}


def tenant_models() -> list[type[models.Model]]:
    """Every model whose rows are a company's own."""
    return [model for model in apps.get_models() if plane_of(model) == "tenant"]


def control_models() -> list[type[models.Model]]:
    """The models of the control plane whose rows are about one company: its exports, moves, keys, hosts.

    Certificates of deletion are of companies that are no more.
    """
    return [
        model
        for model in apps.get_models()
        if plane_of(model) == "control" and company_column(model) and model is not DeletionCertificate
    ]


def company_column(model: type[models.Model]) -> str | None:
    """The column of a control-plane table that says whose row it is, if it has one."""
    return next((part.attname for part in model._meta.concrete_fields if part.attname == "tenant_id"), None)


@dataclass
class Canary:
    """A filled company: one row of each table (two tasks), each text of which holds the mark."""

    tenant: TenantRef
    rows: dict[str, models.Model] = field(default_factory=dict)
    marked: set[str] = field(default_factory=set)

    @property
    def mark(self) -> str:
        """What stands in each text; looked for without regard to case."""
        return f"zq{self.tenant.slug}"

    @property
    def ids(self) -> dict[str, UUID]:
        """Label of a model → the id of its row, where it is one."""
        return {label: row.pk for label, row in self.rows.items() if isinstance(row.pk, UUID)}

    def is_in(self, text: object) -> bool:
        """Whether something of this company stands in ``text``."""
        return self.mark in str(text).lower()

    def id_in(self, text: str) -> str:
        """The first id of this company's rows that stands in ``text``, "" when none does."""
        return next((str(pk) for pk in self.ids.values() if str(pk) in text), "")

    def fill(self, *, is_whole: bool = True) -> "Canary":
        """Make the rows, also those of the control plane if `is_whole`.

        Raises the database's error where a table wants a value this module does not know.
        """
        with tenant_scope(self.tenant), atomic():
            first = self._row(Task)
            self.rows.pop("tasks.Task")
            other = self._row(Task, number=2, title=f"{self.mark} the other")
            self.rows |= {"tasks.Task": first, "tasks.Task 2": other}
            for model in tenant_models():
                self._row(model)
            for model in control_models() if is_whole else ():
                found = model._base_manager.filter(tenant_id=self.tenant.id).first()
                self.rows[model._meta.label] = found or self._row(model)
        return self

    def _row(self, model: type[models.Model], **given: Any) -> models.Model:
        label = model._meta.label
        if label not in self.rows:
            values = {part.name: self._value(model, part) for part in model._meta.local_concrete_fields}
            row = model(
                **{name: value for name, value in values.items() if value is not models.NOT_PROVIDED} | given
            )
            # As it stands, without signals and without what a model's own save() would add.
            row.save_base(raw=True, force_insert=True)
            row.refresh_from_db()
            self.rows[label] = row
        return self.rows[label]

    def _value(self, model: type[models.Model], part: Any) -> Any:
        place = f"{model._meta.label}.{part.name}"
        if part.name == "tenant_id":
            return self.tenant.id
        if place in EMPTY:
            return None
        if isinstance(part, models.AutoField | models.GeneratedField) or (part.null and not is_text(part)):
            return self._reference(part) if isinstance(part, models.ForeignKey) else models.NOT_PROVIDED
        match part:
            case models.ForeignKey():
                return self._reference(part, must=place)
            case _ if place in FORMS:
                return FORMS[place](self.mark)
            case _ if part.choices:
                return part.choices[0][0]
            case models.BooleanField() | models.UUIDField() if part.has_default():
                return part.get_default()
            case models.UUIDField():
                return uuid7()
            case models.JSONField():
                self.marked.add(place)
                return [self.mark] if part.get_default() == [] else {"canary": self.mark}
            case ArrayField():
                self.marked.add(place)
                return [self.mark]
            case models.BinaryField():
                return self.mark.encode()
            case models.DateTimeField():
                return datetime.now(UTC) + timedelta(days=1)
            case models.DateField():
                return date.today()
            case models.BooleanField():
                return False
            case models.IntegerField() | models.FloatField() | models.DecimalField():
                return 1
            case _:
                return self._text(place, part)

    def _text(self, place: str, part: Any) -> str:
        if isinstance(part, models.EmailField):
            text = f"{self.mark}@canary.example"
        elif isinstance(part, models.URLField) or part.name.endswith("url"):
            text = f"https://{self.mark}.example/{place}"
        else:
            text = f"{self.mark} {place}"
        text = text[: part.max_length]
        if self.mark in text:
            self.marked.add(place)
        return text

    def _reference(self, part: Any, must: str = "") -> Any:
        target = part.remote_field.model
        if target is Tenant:
            return Tenant.objects.get(pk=self.tenant.id)
        if target is part.model or plane_of(target) != "tenant":
            return models.NOT_PROVIDED
        if part.model._meta.label == "tasks.TaskDependency" and part.name == "depends_on":
            return self.rows["tasks.Task 2"]
        return self._row(target)


def is_text(part: Any) -> bool:
    """Whether a column holds text."""
    return isinstance(part, models.CharField | models.TextField) and not part.choices


def rows_of(tenant: TenantRef) -> str:
    """Everything a company has, as text: its tables and its entries in the directory."""
    with tenant_scope(tenant), atomic(), connections[tenant.cell].cursor() as cursor:
        parts = " UNION ALL ".join(
            f"SELECT '{model._meta.db_table}', t::text FROM \"{model._meta.db_table}\" t"
            for model in tenant_models()
        )
        cursor.execute(f"SELECT * FROM ({parts}) everything ORDER BY 1, 2")
        lines = [f"{table} {row}" for table, row in cursor.fetchall()]
    lines += [str(row) for row in Tenant.objects.filter(pk=tenant.id).values()]
    lines += [str(row) for row in Domain.objects.filter(tenant_id=tenant.id).order_by("pk").values()]
    return "\n".join(lines)
