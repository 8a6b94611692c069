"""What every SCIM view has: the directory's key, SCIM's media type, its errors, and transactions of its own."""

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.http import Http404
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.accounts.models import ScimDirectory
from tenants.accounts.networks import client_address
from tenants.accounts.scim.brake import hold
from tenants.accounts.scim.errors import Problem, problem_of
from tenants.accounts.scim.people import HeldBack
from tenants.accounts.scim.provisioning_log import visited_from, write_refusal
from tenants.accounts.scim.schemas import MOST_BYTES
from tenants.accounts.scim.tokens import directory_of_token, spend
from tenants.accounts.sso.sso_log import visit_of
from tenants.foundation.api import StrictJSONParser

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/scim+json"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_KEYWORDS: Final = {400: "invalidSyntax"}


class DirectoryKeyAuthentication(BaseAuthentication):
    """Finds the directory whose key is sent; cookies, sessions and API tokens count for nothing here."""

    def authenticate(self, request: Request) -> tuple[None, ScimDirectory]:
        """Return the directory. Raises: AuthenticationFailed, the same for every reason."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        directory = None
        if scheme.lower() == "bearer" and value.isascii():
            directory = directory_of_token(value.strip(), address=client_address(request._request))
        if directory is None:
            raise exceptions.AuthenticationFailed("Send the key of a directory as a bearer token.")
        return None, directory

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in 401 answers."""
        return 'Bearer realm="scim"'


class ComesFromDirectory(BasePermission):
    """Lets in whoever came with a directory's key: a user, whatever their role, is nobody here."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Say whether it is a directory."""
        return isinstance(request.auth, ScimDirectory)


class ScimParser(StrictJSONParser):
    """Reads SCIM's JSON as strictly as the rest of the API."""

    media_type = MEDIA_TYPE


class ScimRenderer(JSONRenderer):
    """Writes SCIM's JSON."""

    media_type = MEDIA_TYPE
    format = "scim"
    charset = "utf-8"


class AlwaysScim(BaseContentNegotiation):
    """Answers in SCIM's JSON whatever is asked for: there is no other form, and clients name strange ones."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Choose by the content type; None is answered with 415."""
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if kind == parser.media_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The only one there is."""
        return renderers[0], renderers[0].media_type


class ScimView(APIView):
    """A view of this door. Each change is a transaction of its own, which a refusal undoes; the log is kept."""

    authentication_classes = (DirectoryKeyAuthentication,)
    permission_classes = (ComesFromDirectory,)
    parser_classes = (ScimParser, StrictJSONParser)
    renderer_classes = (ScimRenderer,)
    content_negotiation_class = AlwaysScim
    outside_transaction = True
    schema = None
    kind = ""

    @property
    def directory(self) -> ScimDirectory:
        """The directory that asks."""
        directory: ScimDirectory = self.request.auth  # type: ignore[assignment]
        return directory

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who asks, and hold them to their rate and to the size of a message."""
        super().initial(request, *args, **kwargs)
        structlog.contextvars.bind_contextvars(directory_id=str(self.directory.pk))
        spend(self.directory)
        if len(request._request.body) > MOST_BYTES:
            raise BodyTooLarge

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer; whatever is written in the log says from where it came."""
        with visited_from(visit_of(request)):
            return super().dispatch(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Errors are SCIM's own documents here."""
        return answer_to


class BodyTooLarge(exceptions.APIException):
    """The message is larger than SCIM's limit."""

    status_code = 413
    default_detail = f"A message has {MOST_BYTES} bytes at most."


def answer_to(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler for this door. What it does not know it leaves (None): that becomes a 500."""
    view: ScimView = context["view"]
    request: Request = context["request"]
    problem = problem_for(error)
    if problem is None:
        return None
    directory = request.auth if isinstance(request.auth, ScimDirectory) else None
    note_refusal(error, problem, directory, method=request.method or "", kind=view.kind)
    headers = {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="scim"'
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after_seconds)))
    return Response(problem.document(), status=problem.status, headers=headers)


def problem_for(error: Exception) -> Problem | None:
    """Put an error into a directory's words; None for one that is nobody's fault but ours."""
    if isinstance(error, Http404):
        return Problem(404, "There is nothing at this address.")
    if isinstance(error, exceptions.APIException):
        return Problem(error.status_code, str(error.detail), _KEYWORDS.get(error.status_code, ""))
    return problem_of(error)


def note_refusal(
    error: Exception, problem: Problem, directory: ScimDirectory | None, *, method: str, kind: str
) -> None:
    """Keep what the brake held, and write down what was refused: changes always, questions never."""
    if isinstance(error, HeldBack) and directory is not None:
        hold(directory, error.user_id, is_deletion=error.is_deletion)
    log.info("scim.refused", status=problem.status, keyword=problem.keyword, detail=problem.detail)
    if directory is None:
        write_refusal(None, "scim.key", detail=problem.detail)
    elif method not in _SAFE or problem.status == HTTPStatus.TOO_MANY_REQUESTS:
        event = ".".join(part for part in ("scim", kind.lower(), method.lower()) if part)
        keyword = f"{problem.keyword}: " if problem.keyword else ""
        write_refusal(directory, event, detail=f"{problem.status} {keyword}{problem.detail}")
