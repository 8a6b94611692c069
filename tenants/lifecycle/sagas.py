"""Every saga there is: importing this registers them, so that any process can take any operation up."""

from tenants.lifecycle import onboarding_steps
from tenants.lifecycle.deletion import steps as deletion
from tenants.lifecycle.export import services as export
from tenants.lifecycle.moving import saga as moving
from tenants.lifecycle.restoring import saga as restoring

__all__ = ["deletion", "export", "moving", "onboarding_steps", "restoring"]
