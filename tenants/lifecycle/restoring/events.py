"""What restoring announces, in the restored company itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tenants.outbox.bus import DomainEvent


@dataclass(frozen=True, kw_only=True)
class CompanyRestored(DomainEvent):
    """The company's rows are those of ``moment`` again; what depends on the outside has to look there anew."""

    name: ClassVar[str] = "company.restored"

    moment: datetime
