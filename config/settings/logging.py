"""How every process logs: structured lines on standard error, redacted, with the ids of who and what."""

from tenants.foundation.logs import configure_logging

__all__ = ["configure_logging"]
