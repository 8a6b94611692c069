"""Messages between two pages, in a cookie that is worth nothing in another company."""

from typing import Any

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.core import signing
from django.http import HttpRequest

from tenants.tenancy import current_tenant


class CompanyCookieStorage(CookieStorage):
    """Django's store with the company in the signature: all companies share one signing key."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.signer = signing.get_cookie_signer(salt=f"{self.key_salt}:{current_tenant().id}")


class MessageStorage(FallbackStorage):
    """Short messages in the cookie, what does not fit in the session."""

    storage_classes = (CompanyCookieStorage, SessionStorage)
