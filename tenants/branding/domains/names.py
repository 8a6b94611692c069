"""Which names a company can claim: normal form, and what would be nobody's or mistaken for somebody else's. Pure."""

import ipaddress
import unicodedata
from functools import cache
from typing import Final

import idna
from publicsuffixlist import PublicSuffixList

from tenants.foundation.errors import InvalidInput
from tenants.foundation.seen_text import drawn

LONGEST: Final = 253
# The proof stands one label and a dot before the name.
ROOM_FOR_PROOF: Final = len("_nts-challenge.")
# Scripts that are written together in one word; every other mixture is a disguise.
_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)
_NO_SCRIPT: Final = frozenset({"DIGIT", "HYPHEN-MINUS", "COMBINING"})
# Latin letters, digits and pairs that are taken for one another at a glance.
_FOLDED: Final = (
    ("rn", "m"),
    ("vv", "w"),
    ("cl", "d"),
    ("0", "o"),
    ("1", "l"),
    ("i", "l"),
    ("5", "s"),
    ("-", ""),
)
_SPECIAL: Final = frozenset(
    {"localhost", "local", "internal", "invalid", "onion", "arpa", "test", "alt", "home", "lan", "corp"}
)


def normal_host(text: str) -> str:
    """Return a claimed name in lower-case ASCII (IDNA 2008 after UTS 46).

    Raises: InvalidInput, saying what is wrong: an address, a port, a wildcard, a path, an underscore, a dot at the end,
    alphabets mixed in one word, a name everybody can have names below.
    """
    given = text.strip()
    _refuse_what_is_no_name(given)
    try:
        host = idna.encode(given, uts46=True, std3_rules=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise _invalid("This is not a domain name. Enter one such as tasks.example.com.") from error
    # Some other sign for a dot, or an address in digits of another alphabet, has become visible by now.
    _refuse_what_is_no_name(host)
    if "." not in host or len(host) > LONGEST - ROOM_FOR_PROOF:
        raise _invalid("Enter a whole domain name, such as tasks.example.com.")
    for label in shown(host).split("."):
        _refuse_mixture(label)
    if host.rpartition(".")[2] in _SPECIAL:
        raise _invalid("Names that end so are not of the public Internet.")
    suffix = _suffixes().publicsuffix(host, accept_unknown=False)
    if suffix is None:
        raise _invalid("There is no such ending of domain names.")
    if suffix == host:
        raise _invalid("Everybody can have a name below this one: it is no company's own.")
    return host


def shown(host: str) -> str:
    """The name as a person writes it."""
    try:
        return idna.decode(host)
    except idna.IDNAError:
        return host


def skeleton(host: str) -> str:
    """What the name looks like in any alphabet: equal for two names that can be mistaken for each other.

    For names outside ASCII; two plain Latin names are compared by `squinted`, and only with our own.
    """
    return ".".join(drawn(label) for label in shown(host).split("."))


def squinted(host: str) -> str:
    """What the name looks like at a glance: `rn` like `m`, `0` like `o`."""
    text = skeleton(host)
    for pair, one in _FOLDED:
        text = text.replace(pair, one)
    return text


def is_ascii(host: str) -> bool:
    """Whether the name is written in plain Latin letters as it stands."""
    return not any(label.startswith("xn--") for label in host.split("."))


def is_within(host: str, parent: str) -> bool:
    """Whether the name is the other one or below it."""
    return host == parent or host.endswith(f".{parent}")


def _refuse_what_is_no_name(given: str) -> None:
    if not given or len(given) > LONGEST:
        raise _invalid("Enter a domain name such as tasks.example.com.")
    if given.endswith(("." , "。", "．", "｡")):  # fmt: skip
        raise _invalid("Leave the dot at the end out.")
    if "*" in given:
        raise _invalid("Enter one name; a star stands for many.")
    if "_" in given:
        raise _invalid("A name that people visit has no underscore.")
    try:
        ipaddress.ip_address(given.strip("[]"))
    except ValueError:
        pass
    else:
        raise _invalid("This is an address. Enter a domain name.")
    if any(sign in given for sign in ":/@?#\\ \t%"):
        raise _invalid("Enter the name alone, without https://, port or path.")
    if given.rpartition(".")[2].isdigit():
        raise _invalid("This is an address. Enter a domain name.")
    if any(unicodedata.category(sign)[0] in "CZ" for sign in given):
        raise _invalid("The name holds a sign that cannot be seen.")


def _refuse_mixture(label: str) -> None:
    scripts = {_script(sign) for sign in label} - _NO_SCRIPT
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        raise _invalid(
            "This name mixes letters of several alphabets in one word: it could be taken for another."
        )


def _script(sign: str) -> str:
    """The alphabet of a letter: the first word of its name in Unicode."""
    return unicodedata.name(sign, "UNKNOWN").partition(" ")[0]


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(text, code="invalid_input.domain", fields={"domain": [text]})
