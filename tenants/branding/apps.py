"""Plugs a company's brand in."""

from django.apps import AppConfig

from tenants.branding import navigation, permissions
from tenants.foundation.letters import use_dresser


class BrandingConfig(AppConfig):
    """Name, logos, colours, words, letters: how a company shows itself, in its own schema."""

    name = "tenants.branding"
    label = "branding"

    def ready(self) -> None:
        """Register permission and page, and dress letters."""
        # Models must be loaded first.
        from tenants.branding.dressing import BrandDresser  # noqa: PLC0415
        from tenants.branding.mail_servers import letters  # noqa: PLC0415

        permissions.register()
        navigation.register()
        letters.register()
        use_dresser(BrandDresser())
