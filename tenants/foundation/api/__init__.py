"""What every JSON door shares: problems, strict input, keyset pages, idempotency keys."""

from tenants.foundation.api.idempotency import IdempotentPosts
from tenants.foundation.api.pagination import KeysetPagination
from tenants.foundation.api.parsers import StrictJSONParser
from tenants.foundation.api.problems import BodyTooLarge, problem_document, problem_handler, problem_page
from tenants.foundation.api.serializers import StrictModelSerializer, StrictSerializer

__all__ = [
    "BodyTooLarge",
    "IdempotentPosts",
    "KeysetPagination",
    "StrictJSONParser",
    "StrictModelSerializer",
    "StrictSerializer",
    "problem_document",
    "problem_handler",
    "problem_page",
]
