"""Every saga there is: importing this registers them, so that any process can take any operation up."""

from tenants.lifecycle import onboarding_steps
from tenants.lifecycle.deletion import steps as deletion
from tenants.lifecycle.export import services as export

__all__ = ["deletion", "export", "onboarding_steps"]
