"""``manage.py platform_webhook``: the platform's address for events of granted workspaces, and its tokens."""

import json
from datetime import timedelta
from typing import Any, Final

import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from integrations.registry import Capability, connectors
from integrations.webhooks.platform import (
    PENDING,
    SIGNING,
    platform_key,
    refuse_platform_key,
    take_platform_key,
)
from integrations.webhooks.window import open_until, open_window
from tenants.models import Tenant
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.addresses import address_of

_HIDDEN: Final = "there is one (--show shows it)"


class Command(BaseCommand):
    help = (
        "The address a public connection sends its events to. --await lets the service introduce itself once; look at "
        "the token that came (--show), confirm it at the service, then --take-pending."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        senders = [
            key for key, manifest in connectors().items() if Capability.EVENT_FEED in manifest.capabilities
        ]
        parser.add_argument("connector", choices=senders, help="the service")
        action = parser.add_mutually_exclusive_group()
        action.add_argument(
            "--await", action="store_true", dest="awaits", help="take the next introduction that comes soon"
        )
        action.add_argument("--take-pending", action="store_true", help="let the token that waits count")
        action.add_argument("--refuse-pending", action="store_true", help="forget the token that waits")
        parser.add_argument("--minutes", type=int, default=15, help="how long --await waits (15, at most 60)")
        parser.add_argument("--show", action="store_true", help="show the tokens themselves")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        platform = Tenant.objects.filter(slug=PLATFORM_SLUG, state=Tenant.State.ACTIVE).first()
        if platform is None:
            raise CommandError("The platform's own tenant is not there: run manage.py prepare.")
        connector = options["connector"]
        try:
            with tenant_scope(platform.ref), atomic():
                _act(connector, options)
                key, pending = platform_key(connector, SIGNING), platform_key(connector, PENDING)
            until = open_until(connector)
        except redis.RedisError as error:
            raise CommandError(f"Valkey does not answer: {error}") from error
        is_shown = options["show"]
        shown = {
            "address": address_of(PLATFORM_SLUG) + reverse("hooks:platform", kwargs={"connector": connector}),
            "has_token": key is not None,
            "has_pending_token": pending is not None,
            "awaits_until": until.isoformat() if until else None,
            "verification_token": key.reveal() if key is not None and is_shown else None,
            "pending_token": pending.reveal() if pending is not None and is_shown else None,
        }
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write(f"Address: {shown['address']}")
        counting = shown["verification_token"] or _HIDDEN
        self.stdout.write(f"Verification token: {counting if key else 'none counts yet'}")
        if pending is not None:
            self.stdout.write(f"Waiting for you: {shown['pending_token'] or _HIDDEN}")
            self.stdout.write("It does not count. --take-pending takes it, --refuse-pending forgets it.")
        elif until is not None:
            self.stdout.write(f"An introduction is awaited until {until:%H:%M:%S} UTC.")
        elif key is None:
            self.stdout.write("Nothing is taken here. --await lets the service introduce itself.")


def _act(connector: str, options: dict[str, Any]) -> None:
    if options["awaits"]:
        if platform_key(connector, PENDING) is not None:
            raise CommandError("A token waits already: take it or refuse it first.")
        try:
            open_window(connector, lasting=timedelta(minutes=options["minutes"]))
        except (ValueError, OverflowError) as error:
            raise CommandError(f"--minutes: {error}") from error
    has_moved = True
    if options["take_pending"]:
        has_moved = take_platform_key(connector_key=connector)
    elif options["refuse_pending"]:
        has_moved = refuse_platform_key(connector_key=connector)
    if not has_moved:
        raise CommandError("No token is waiting.")
