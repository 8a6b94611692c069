"""A process of its own that offers one message of a provider when it is told to; started by a test, never imported.

Standard input: a line of JSON (databases, company, kind, provider, path, the message), then a line to begin.
Standard output: "ready", then "accepted" or the reason of the refusal.
"""

import json
import sys
from uuid import UUID

import django
from django.db import connections


def main() -> None:
    """Do what the module says."""
    told = json.loads(sys.stdin.readline())
    django.setup()
    for alias, name in told["databases"].items():
        connections.databases[alias]["NAME"] = name
    # Not before the databases are known: these open none, but models need the set-up above.
    from tenants.accounts.sso.oidc.backchannel import accept_logout_token
    from tenants.accounts.sso.reasons import SsoRefused
    from tenants.accounts.sso.sign_in import accept_saml
    from tenants.models import Tenant
    from tenants.tenancy import tenant_scope

    company = Tenant.objects.get(pk=told["company"]).ref
    with tenant_scope(company):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        try:
            if told["kind"] == "logout":
                accept_logout_token(provider_id=UUID(told["provider"]), token=told["text"])
            else:
                accept_saml(
                    provider_id=UUID(told["provider"]), text=told["text"], relay_state="", path=told["path"],
                    browser="",
                )  # fmt: skip
            outcome = "accepted"
        except SsoRefused as refused:
            outcome = refused.reason.value
    sys.stdout.write(f"{outcome}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
