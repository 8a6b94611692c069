"""What every JSON door shares: problems, strict input, keyset pages, idempotency keys."""

from tenants.foundation.api.idempotency import IdempotentPosts
from tenants.foundation.api.pagination import PAGE_PARAMETERS, KeysetPagination
from tenants.foundation.api.parameters import KnownParameters
from tenants.foundation.api.parsers import StrictJSONParser
from tenants.foundation.api.problems import BodyTooLarge, problem_document, problem_handler, problem_page
from tenants.foundation.api.serializers import StrictModelSerializer, StrictSerializer

__all__ = [
    "PAGE_PARAMETERS",
    "BodyTooLarge",
    "IdempotentPosts",
    "KeysetPagination",
    "KnownParameters",
    "StrictJSONParser",
    "StrictModelSerializer",
    "StrictSerializer",
    "problem_document",
    "problem_handler",
    "problem_page",
]
