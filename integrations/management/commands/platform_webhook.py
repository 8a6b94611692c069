"""``manage.py platform_webhook``: the platform's address for events of granted workspaces, and its token."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from integrations.registry import Capability, connectors
from integrations.webhooks.platform import PENDING, SIGNING, platform_key, take_platform_key
from tenants.lifecycle.onboarding import address_of
from tenants.models import Tenant
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import atomic, tenant_scope


class Command(BaseCommand):
    help = "Shows the address a public connection sends its events to, and the token to confirm it with."

    def add_arguments(self, parser: CommandParser) -> None:
        senders = [
            key for key, manifest in connectors().items() if Capability.EVENT_FEED in manifest.capabilities
        ]
        parser.add_argument("connector", choices=senders, help="the service")
        parser.add_argument(
            "--take-pending", action="store_true", help="let the token that came later count from now on"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        platform = Tenant.objects.filter(slug=PLATFORM_SLUG, state=Tenant.State.ACTIVE).first()
        if platform is None:
            raise CommandError("The platform's own tenant is not there: run manage.py prepare.")
        connector = options["connector"]
        with tenant_scope(platform.ref), atomic():
            if options["take_pending"] and not take_platform_key(connector_key=connector):
                raise CommandError("No other token is waiting.")
            key = platform_key(connector, SIGNING)
            has_pending = platform_key(connector, PENDING) is not None
        shown = {
            "address": address_of(PLATFORM_SLUG) + reverse("hooks:platform", kwargs={"connector": connector}),
            "verification_token": key.reveal() if key is not None else None,
            "has_pending_token": has_pending,
        }
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write(f"Address: {shown['address']}")
        self.stdout.write(f"Verification token: {shown['verification_token'] or 'none has come yet'}")
        if has_pending:
            self.stdout.write("Another token came later and does not count. --take-pending takes it.")
