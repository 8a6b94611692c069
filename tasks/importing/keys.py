"""Short keys for projects that come with a name only: "Grid operations" becomes GO, the next such GO2."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from typing import Final

from tasks.models.number_series import NO_PROJECT_PREFIX

_MAX_CHARS: Final = 10
_MAX_INITIALS: Final = 4
_FROM_ONE_WORD: Final = 3
_FALLBACK: Final = "PRJ"


def derive_key(name: str, taken: Container[str]) -> str:
    """A key for a name that is not in `taken`: two to ten capitals and digits, a letter first."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    words = [word for word in re.findall(r"[A-Z0-9]+", plain) if word[0].isalpha() or len(word) < _MAX_CHARS]
    if len(words) > 1:
        stem = "".join(word[0] for word in words[:_MAX_INITIALS])
    else:
        stem = words[0][:_FROM_ONE_WORD] if words else ""
    stem = stem.lstrip("0123456789")
    if len(stem) < 2:
        stem = _FALLBACK
    number = 1
    key = stem
    while key in taken or key == NO_PROJECT_PREFIX:
        number += 1
        key = f"{stem[: _MAX_CHARS - len(str(number))]}{number}"
    return key
