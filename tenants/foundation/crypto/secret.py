"""A value that does not show itself."""

import hmac
from typing import Any, Final, NoReturn, Self

MASK: Final = "***"


class Secret:
    """Text that prints as `***` everywhere; only `reveal()` gives it, so every use can be found by name.

    It cannot be pickled (keys and plaintext never cross a message queue) nor written as JSON.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Return the text itself."""
        return self.__value

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __structlog__(self) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        msg = "A secret does not leave the process."
        raise TypeError(msg)
