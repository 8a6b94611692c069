"""Tokens a provider has signed: by one of its published keys, with an algorithm of public keys, for our client ID."""

from collections.abc import Collection
from typing import Any, Final

import jwt

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.oidc.discovery import Endpoints, signing_keys
from tenants.accounts.sso.reasons import Reason, SsoRefused

ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
SKEW_SECONDS: Final = 60


def verified(
    provider: IdentityProvider,
    endpoints: Endpoints,
    token: str,
    *,
    what: str,
    required: Collection[str],
    invalid: Reason = Reason.ID_TOKEN,
    is_awaited: bool = False,
) -> tuple[dict[str, Any], str]:
    """Return what a token says and the algorithm it is signed with, once signature, times, issuer and audience hold.

    ``what`` is the token's name in sentences, ``invalid`` the reason where no other is closer. May ask the provider for
    its keys (`is_awaited`: as in `client`), so call it outside any transaction. Raises: SsoRefused.
    """
    header = readable_header(token, what=what, invalid=invalid)
    algorithm = str(header["alg"])
    key = _key_for(header, signing_keys(endpoints, is_awaited=is_awaited)) or _key_for(
        header, signing_keys(endpoints, anew=True, is_awaited=is_awaited)
    )
    if key is None:
        raise SsoRefused(Reason.SIGNATURE, f"The {what} is signed with a key the provider does not publish.")
    try:
        said: dict[str, Any] = jwt.decode(
            token,
            key=key.key,
            algorithms=[algorithm],
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=SKEW_SECONDS,
            options={"require": list(required), "verify_iat": True},
        )
    except jwt.InvalidSignatureError as error:
        raise SsoRefused(Reason.SIGNATURE) from error
    except jwt.InvalidIssuerError as error:
        raise SsoRefused(Reason.ISSUER) from error
    except jwt.InvalidAudienceError as error:
        raise SsoRefused(Reason.AUDIENCE, f"The {what} was issued for another application.") from error
    except jwt.ExpiredSignatureError as error:
        raise SsoRefused(
            Reason.EXPIRED, f"The {what} has run out. Check the clock of the provider."
        ) from error
    except jwt.ImmatureSignatureError as error:
        raise SsoRefused(
            Reason.TOO_EARLY, f"The {what} is not valid yet. Check the provider's clock."
        ) from error
    except (jwt.PyJWTError, OverflowError) as error:
        raise SsoRefused(invalid, f"The {what} is not valid: {error}"[:300]) from error
    return said, algorithm


def readable_header(token: str, *, what: str, invalid: Reason) -> dict[str, Any]:
    """Return a token's header, which nobody has verified yet. Raises: SsoRefused."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError) as error:
        raise SsoRefused(invalid, f"The {what} cannot be read.") from error
    algorithm = str(header.get("alg"))
    if algorithm not in ALGORITHMS:
        raise SsoRefused(Reason.ALGORITHM, f"The {what} is signed with {algorithm[:20]}.")
    return header


def _key_for(header: dict[str, Any], keys: list[dict[str, Any]]) -> jwt.PyJWK | None:
    algorithm, wanted = str(header["alg"]), header.get("kid")
    for key in keys:
        is_meant = key.get("kid") == wanted if wanted is not None else len(keys) == 1
        if is_meant and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm:
            try:
                return jwt.PyJWK(key, algorithm=algorithm)
            except jwt.PyJWTError:
                continue
    return None
