"""Letters: the one way e-mail leaves the product. Whoever has a letter to send registers its kind here.

register_letter(LetterKind(code="invitation", title=…, variables=(…), subject=…, body=…))
send_letter("invitation", to="…", facts={"link": "https://…"}, language="de")     # outside a transaction
letter = write_letter(…); on_commit(letter.send)                                  # inside one
"""

from tenants.foundation.letters.kinds import (
    LetterKind,
    Variable,
    letter_kind,
    letter_kinds,
    register_letter,
)
from tenants.foundation.letters.placeholders import checked_text
from tenants.foundation.letters.writing import (
    Carrier,
    Dress,
    Enclosure,
    FooterLink,
    Letter,
    OwnText,
    Palette,
    send_letter,
    use_dresser,
    write_letter,
)

__all__ = [
    "Carrier",
    "Dress",
    "Enclosure",
    "FooterLink",
    "Letter",
    "LetterKind",
    "OwnText",
    "Palette",
    "Variable",
    "checked_text",
    "letter_kind",
    "letter_kinds",
    "register_letter",
    "send_letter",
    "use_dresser",
    "write_letter",
]
