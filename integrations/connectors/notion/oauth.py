"""Notion's OAuth for public integrations: the address people are sent to, and the calls of the token endpoint."""

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from integrations.capabilities import ProblemKind, RemoteIdentity, SourceError
from integrations.capabilities.oauth import GrantedAccess
from integrations.connectors.notion.client import API_VERSION
from integrations.connectors.notion.errors import (
    SERVICE,
    error_from_answer,
    error_from_failure,
    malformed_answer,
)
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http import OutboundClient, OutboundResponse

_VOID: Final = (
    "Notion does not accept this permission any more: it was used already, or it was withdrawn. "
    "Grant access again."
)
_UNKNOWN_CLIENT: Final = (
    "Notion does not know this product. Whoever runs it has to check the OAuth client id and secret."
)
#: `error` of RFC 6749, section 5.2, and what each says about whose fault it is.
_KINDS: Final[Mapping[str, tuple[ProblemKind, str]]] = {
    "invalid_grant": (ProblemKind.UNAUTHORISED, _VOID),
    "invalid_client": (ProblemKind.FORBIDDEN, _UNKNOWN_CLIENT),
    "unauthorized_client": (ProblemKind.FORBIDDEN, _UNKNOWN_CLIENT),
}


class NotionOAuth:
    """Speaks for one public integration. No retries, nothing stored."""

    def __init__(self, *, http: OutboundClient, base_url: str, client_id: str, client_secret: Secret) -> None:
        self._http = http
        self._base_url = base_url
        self._client_id = client_id
        self._client_secret = client_secret

    def authorise_url(self, *, state: str, redirect_uri: str) -> str:
        query = {
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "owner": "user",
            "state": state,
        }
        return f"{self._base_url}/v1/oauth/authorize?{urlencode(query)}"

    def exchange(self, *, code: str, redirect_uri: str) -> GrantedAccess:
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return _granted(self._post("/v1/oauth/token", body))

    def refresh(self, *, refresh_token: Secret) -> GrantedAccess:
        body = {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}
        return _granted(self._post("/v1/oauth/token", body))

    def revoke(self, *, token: Secret) -> None:
        try:
            self._post("/v1/oauth/revoke", {"token": token.reveal()})
        except SourceError as error:
            if error.kind not in {ProblemKind.UNAUTHORISED, ProblemKind.NOT_FOUND}:
                raise

    def _post(self, path: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        pair = f"{self._client_id}:{self._client_secret.reveal()}".encode()
        headers = {
            "authorization": f"Basic {base64.b64encode(pair).decode()}",
            "notion-version": API_VERSION,
        }
        try:
            response = self._http.request("POST", path, headers=headers, json=body)
        except ExternalServiceError as failure:
            raise error_from_failure(failure) from failure
        answer = _parsed(response)
        if not response.is_success:
            raise _error(response, answer)
        if answer is None:
            raise malformed_answer("The answer is no JSON object.", status=response.status)
        return answer


def provider(*, http: OutboundClient, base_url: str, client_id: str, client_secret: Secret) -> NotionOAuth:
    """What the registry opens."""
    return NotionOAuth(http=http, base_url=base_url, client_id=client_id, client_secret=client_secret)


def _parsed(response: OutboundResponse) -> Mapping[str, Any] | None:
    try:
        parsed = response.json()
    except ExternalServiceError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _error(response: OutboundResponse, answer: Mapping[str, Any] | None) -> SourceError:
    """The token endpoint answers as OAuth does, or as the rest of Notion's API does; both are understood."""
    words = answer or {}
    code = str(words.get("error") or words.get("code") or "")
    kind, sentence = _KINDS.get(code, (None, ""))
    if kind is None and response.status in {401, 403}:
        # Here the credentials are ours: no person's token is to blame.
        kind, sentence = ProblemKind.FORBIDDEN, _UNKNOWN_CLIENT
    if kind is None:
        return error_from_answer(response)
    detail = str(words.get("error_description") or words.get("message") or "")
    return SourceError(
        sentence,
        service=SERVICE,
        kind=kind,
        status=response.status,
        request_id=str(words.get("request_id") or response.header("x-request-id")),
        detail=": ".join(part for part in (code, detail[:500]) if part),
    )


def _granted(answer: Mapping[str, Any]) -> GrantedAccess:
    def text(name: str) -> str:
        value = answer.get(name)
        return value if isinstance(value, str) else ""

    if not text("access_token") or not text("bot_id") or not text("workspace_id"):
        raise malformed_answer("The answer names no token, no bot or no workspace.")
    refresh = text("refresh_token")
    owner = answer.get("owner")
    user = owner.get("user") if isinstance(owner, dict) else None
    name = user.get("name") if isinstance(user, dict) else None
    return GrantedAccess(
        access_token=Secret(text("access_token")),
        refresh_token=Secret(refresh) if refresh else None,
        identity=RemoteIdentity(
            account_id=text("bot_id"),
            account_name="",
            workspace_id=text("workspace_id"),
            workspace_name=text("workspace_name"),
            workspace_icon=text("workspace_icon"),
        ),
        owner_name=name[:200] if isinstance(name, str) else "",
        template_id=text("duplicated_template_id")[:100],
    )
