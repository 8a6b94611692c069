"""What a tenant's statement may be, judged by its text before it is sent: rows are read and written, nothing else.

The server has no right to withhold for most of what is refused here: anybody may set, listen, prepare or commit. It
reads the beginning of a statement as PostgreSQL does, for what we took for a comment and it did not would be executed.
"""

import re
from functools import lru_cache

READS_AND_WRITES = frozenset({"select", "with", "insert", "update", "delete", "values"})
BLANKS = " \t\n\r\f\v"
WORD = re.compile(r"[A-Za-z]+(?![A-Za-z0-9_$\x80-\U0010ffff])")
# What lets a single SELECT change its own role, run text as SQL that does, or spell out names by number. Values are
# parameters, so only the statement itself is looked at, and a door is found wherever it stands in it.
DOORS = re.compile(
    r"set_config|pg_settings|session authorization|set role|local role|reset role|_to_xml|ts_stat|ts_rewrite|dblink"
    r'|u&"|reg(?:class|namespace|role|type|proc|oper|collation)|makeaclitem|acldefault'
    # What is or holds a name by number without saying so: a row of the catalogs that has one among its columns.
    r"|pg_(?:typeof|type|sequences|prepared_statements|proc|operator|am|aggregate|conversion|ts_parser|ts_template)"
    r"|pg_(?:range|transform)"
)
EXPLAIN_OPTIONS = re.compile(r"\([A-Za-z0-9_, \t\r\n]*\)")
COPIES_OVER_THE_WIRE = re.compile(r"\bto\s+stdout\b|\bfrom\s+stdin\b")
LONGEST_REMEMBERED = 20_000


def may_run(text: str) -> bool:
    """Whether a tenant may send this statement."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _judge(text)


def _judge(text: str) -> bool:
    lowered = text.lower()
    if DOORS.search(lowered):
        return False
    keyword, after = keyword_at(text, 0)
    if keyword in READS_AND_WRITES:
        return True
    if keyword == "explain":
        return _explained(text, after) in READS_AND_WRITES
    # A file or a program of the server is for superusers alone; it is refused here as well.
    return (
        keyword == "copy"
        and COPIES_OVER_THE_WIRE.search(lowered) is not None
        and re.search(r"\bprogram\b", lowered) is None
    )


_remembered = lru_cache(maxsize=4096)(_judge)


def keyword_at(text: str, position: int) -> tuple[str, int]:
    """The first word at or after ``position``, in lower case, and where it ends; empty when there is none.

    Blanks, comments and opening brackets are passed over.
    """
    position = _pass_over(text, position, BLANKS + "(")
    found = WORD.match(text, position)
    return (found.group().lower(), found.end()) if found else ("", position)


def _explained(text: str, position: int) -> str:
    """The keyword of the statement that EXPLAIN is asked about."""
    start = _pass_over(text, position, BLANKS)
    keyword, end = keyword_at(text, start)
    if keyword not in READS_AND_WRITES and text[start : start + 1] == "(":
        options = EXPLAIN_OPTIONS.match(text, start)
        keyword, end = keyword_at(text, options.end()) if options else ("", end)
    while keyword in ("analyze", "verbose"):
        keyword, end = keyword_at(text, end)
    return keyword


def _pass_over(text: str, position: int, characters: str) -> int:
    """Where neither a comment nor one of ``characters`` stands any more.

    As PostgreSQL reads them: a line's comment ends at either kind of line end, the others may be nested.
    """
    while position < len(text):
        if text[position] in characters:
            position += 1
        elif text.startswith("--", position):
            while position < len(text) and text[position] not in "\r\n":
                position += 1
        elif text.startswith("/*", position):
            position = _end_of_comment(text, position)
        else:
            break
    return position


def _end_of_comment(text: str, position: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[position:]):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return position + mark.end()
    return len(text)
