"""One refusal of a token is not the end where access can be renewed: renew it once, then ask again."""

from collections.abc import Callable

import structlog

from integrations.capabilities import ProblemKind, SourceError
from integrations.oauth.live_token import LiveToken
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import LimitReached

log = structlog.get_logger(__name__)
_LATER_SECONDS = 20.0


class RenewalPostponed(LimitReached):
    """The service cannot say now whether our access goes on; nothing is lost, the work waits."""

    default_code = "sync.renewal_postponed"


def with_renewal[Value](token: Secret, call: Callable[[], Value]) -> Value:
    """Make a call; if the token is refused, renew it and make the call once more.

    A refused token says for sure that nothing was done, so this is right for writes as well.
    Raises: what the call raises, AccessWithdrawn, RenewalPostponed.
    """
    try:
        return call()
    except SourceError as error:
        if error.kind is not ProblemKind.UNAUTHORISED or not isinstance(token, LiveToken):
            raise
        log.info("sync.token_refused", request_id=error.request_id)
    try:
        token.renew()
    except SourceError as error:
        if error.kind is ProblemKind.UNAUTHORISED:
            raise
        raise RenewalPostponed(
            str(error), retry_after_seconds=error.retry_after_seconds or _LATER_SECONDS
        ) from error
    return call()
