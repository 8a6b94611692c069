"""What a person sees of a text: signs that cannot be seen in it, and what other alphabets draw like Latin letters."""

import unicodedata
from typing import Final

# Control and format signs, line separators, surrogates, private and unassigned ones: what only changes how text looks
# lets a name pretend to be another, or turns a line around.
UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
# Letters, marks and signs by their category that are drawn as nothing.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_JOINERS: Final = frozenset("\u200c\u200d")
# What a joiner stands between where it is written: letters without case (Persian, Hindi), their marks, emoji.
_JOINED: Final = frozenset({"Lo", "Mn", "Mc", "So", "Sk"})
# Letters of other alphabets that are drawn like a Latin one.
_LIKE: Final = {
    **dict(zip("авеікмнорстухѕјһԁԛԝӏїьґ", "abeikmhopctyxsjhdqwlibr", strict=True)),
    **dict(zip("αβεηικνορτυχωγϲϳ", "abenikvoptuxwycj", strict=True)),
    **dict(zip("օսոցհյզաեքլ", "ounghjqwtpl", strict=True)),
    "ı": "i", "ɩ": "i", "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ɡ": "g", "ɑ": "a", "ß": "b", "þ": "p",
    "æ": "ae", "œ": "oe", "ŋ": "n", "ŧ": "t", "ƅ": "b", "ɴ": "n", "ʀ": "r", "ʏ": "y", "ᴏ": "o",
}  # fmt: skip


def has_unseen(text: str, *, joiners: bool = True) -> bool:
    """Whether a text holds signs nobody sees, line breaks among them; `joiners` lets those pass that a script needs."""
    for place, sign in enumerate(text):
        if sign in _BLANK:
            return True
        if unicodedata.category(sign) not in UNSEEN:
            continue
        if not (joiners and sign in _JOINERS and _is_between(text, place)):
            return True
    return False


def drawn(text: str) -> str:
    """How a text looks to somebody who reads Latin letters: in lower case, without marks and what is not seen."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    letters = (sign for sign in bare if not unicodedata.combining(sign) and not has_unseen(sign))
    return "".join(_LIKE.get(sign, sign) for sign in letters).strip()


def _is_between(text: str, place: int) -> bool:
    beside = (text[place - 1 : place], text[place + 1 : place + 2])
    return all(sign and unicodedata.category(sign) in _JOINED for sign in beside)
