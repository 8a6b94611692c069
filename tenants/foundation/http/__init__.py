"""The one way out of the process: the only package that may import the HTTP client library."""

from tenants.foundation.http.client import Exchange, OutboundClient, OutboundResponse, Timeouts
from tenants.foundation.http.failures import FailureReason

__all__ = ["Exchange", "FailureReason", "OutboundClient", "OutboundResponse", "Timeouts"]
