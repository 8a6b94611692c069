"""Every saga there is: importing this registers them, so that any process can take any operation up."""

from tenants.lifecycle import onboarding_steps
from tenants.lifecycle.export import services as export

__all__ = ["export", "onboarding_steps"]
