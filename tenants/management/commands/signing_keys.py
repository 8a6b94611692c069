"""``manage.py signing_keys``: the public keys with which what the platform signed can be verified."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants.secrets.signing import active_signing_key, public_keys, rewrap_signing_keys, rotate_signing_key


class Command(BaseCommand):
    help = "Shows the public signing keys, the one that signs now first. --rotate makes a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rotate", action="store_true", help="sign with a new key from now on")
        parser.add_argument(
            "--rewrap", action="store_true", help="bring the keys under the current key-encryption key"
        )
        parser.add_argument("--json", action="store_true", help="print a JSON Web Key Set")

    def handle(self, *args: Any, **options: Any) -> None:
        active_signing_key()
        if options["rotate"]:
            rotate_signing_key()
        if options["rewrap"]:
            rewrap_signing_keys()
        keys = public_keys()
        if options["json"]:
            self.stdout.write(json.dumps(keys, indent=2))
            return
        for key in keys["keys"]:
            now = "signs now" if key["is_active"] else "past"
            self.stdout.write(f"{key['kid']}  {key['x']}  {now}, made {key['created_at'][:10]}")
