"""Idempotency keys: a POST repeated with its key is answered from memory, never done twice."""

import hashlib
import json
import re
from typing import Any, ClassVar, Final

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.foundation.errors import InvalidInput
from tenants.foundation.idempotency import Claim, StoredAnswer, idempotency_store

HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
ACCEPTED_KEY: Final = re.compile(r"^[!-~]{1,200}$")
_KEPT_HEADERS: Final = ("Location", "ETag")


class IdempotentPosts:
    """For API views: honours `Idempotency-Key` on POST. Put it before the view class among the bases.

    Views of which a call made twice would do harm set ``needs_idempotency_key``: a POST without one is refused.
    """

    needs_idempotency_key: ClassVar[bool] = False
    _claim: Claim | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Claim the key once the caller is known and allowed."""
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get(HEADER)
        if request.method != "POST" or (key is None and not self.needs_idempotency_key):
            return
        if key is None:
            msg = f"Send an {HEADER} with every call that changes something."
            raise InvalidInput(msg, code="invalid_input.idempotency_key_missing")
        if not ACCEPTED_KEY.fullmatch(key):
            msg = "An idempotency key has 1 to 200 visible ASCII characters."
            raise InvalidInput(msg, code="invalid_input.idempotency_key")
        match = request.resolver_match
        claim = Claim(
            actor_id=str(getattr(request.user, "pk", "") or ""),
            route=match.route if match is not None else request.path,
            key=key,
            request_hash=_fingerprint(request),
        )
        answer = idempotency_store().claim(claim)
        if answer is not None:
            raise _Replay(answer)
        self._claim = claim

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a replay with what was stored; everything else goes its ordinary way."""
        if isinstance(exc, _Replay):
            headers = {**exc.answer.headers, REPLAYED_HEADER: "true"}
            return Response(exc.answer.body, status=exc.answer.status, headers=headers)
        response: Response = super().handle_exception(exc)  # type: ignore[misc]
        return response

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Keep a success, give the key up after a failure."""
        final: Response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        claim, self._claim = self._claim, None
        if claim is not None:
            if final.status_code < 400:
                kept = {name: final[name] for name in _KEPT_HEADERS if name in final}
                body = json.loads(json.dumps(final.data, default=str))
                idempotency_store().keep(
                    claim, StoredAnswer(status=final.status_code, body=body, headers=kept)
                )
            else:
                idempotency_store().release(claim)
        return final


class _Replay(APIException):
    """Carries a stored answer past the view."""

    status_code = 200

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__()
        self.answer = answer


def _fingerprint(request: Request) -> str:
    """Hash what was asked: the path with its ids, the query and the parsed body, however it was written."""
    body = json.dumps(request.data, sort_keys=True, default=str)
    asked = "\n".join([request.path, request.META.get("QUERY_STRING", ""), body])
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
