"""Plugs the step-up into the permissions; imported once, when the application starts."""

from tenants.accounts.sessions import proof

proof.register()
