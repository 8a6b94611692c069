"""How an image is refused: in a sentence that helps, with a code a program can compare."""

from tenants.foundation.errors import InvalidInput


def refused(sentence: str, code: str) -> InvalidInput:
    """Make the error for an image that is not taken."""
    return InvalidInput(sentence, code=f"invalid_input.image_{code}", fields={"image": [sentence]})
