"""What an export leaves out, with the reason in words: everything else of a company's schema is in it."""

from dataclasses import dataclass
from typing import Final, Literal

type How = Literal["left_out", "redacted"]
REDACTED: Final = "[redacted]"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A table (no ``column``) or column that is not exported; a redacted column keeps its place, not its value."""

    table: str
    column: str | None
    how: How
    reason: str

    def as_json(self) -> dict[str, str | None]:
        """The form in which manifest and schema name it."""
        return {"table": self.table, "column": self.column, "how": self.how, "reason": self.reason}


LEFT_OUT: Final = (
    LeftOut("django_session", None, "left_out", "Keys of signed-in browsers: whoever has one is signed in."),
    LeftOut(
        "accounts_idempotencyrecord", None, "left_out",
        "Answers kept for a day so that a repeated API request is not done twice; they repeat other tables.",
    ),
    LeftOut("accounts_ssosession", None, "left_out", "Keys of signed-in browsers, as in django_session."),
    LeftOut("accounts_pendingsignin", None, "left_out", "Sign-ins under way, kept for minutes."),
    LeftOut("accounts_signinhandover", None, "left_out", "Ways from one host to another, kept for minutes."),
    LeftOut("accounts_signinlink", None, "left_out", "Links and codes that sign in, kept for a day."),
    LeftOut(
        "accounts_spentchallenge", None, "left_out",
        "Hashes of answered sign-in challenges, kept for minutes so that none is answered twice.",
    ),
    LeftOut(
        "accounts_recoverycode", "code_hash", "left_out", "The hash of a code that still lets somebody in.",
    ),
    LeftOut("accounts_user", "password", "left_out", "A password's hash could be guessed at elsewhere."),
    LeftOut("accounts_apitoken", "secret_hash", "left_out", "The hash of a key that still opens the API."),
    LeftOut("accounts_scimtoken", "secret_hash", "left_out", "The hash of a directory's key that still works."),
    LeftOut("accounts_invitation", "token_hash", "left_out", "The hash of a link that still lets somebody in."),
    LeftOut("account_emailconfirmation", "key", "left_out", "A key that still confirms an address."),
    LeftOut("branding_mailserver", "code_hash", "left_out", "The hash of a code that still proves a mail server."),
    LeftOut(
        "integrations_webhooksubscription", "address_key", "left_out",
        "The unguessable part of the address at which a service still tells of changes.",
    ),
    LeftOut(
        "secrets_secret", "sealed", "redacted",
        "An encrypted value, such as a connection's token. It is never handed out: make a new one where it came from.",
    ),
)  # fmt: skip

_TABLES: Final = {each.table: each for each in LEFT_OUT if each.column is None}
_COLUMNS: Final = {(each.table, each.column): each for each in LEFT_OUT if each.column is not None}


def rule_for(table: str, column: str | None = None) -> LeftOut | None:
    """The rule that keeps a table, or a column, out; None when it is exported."""
    return _COLUMNS.get((table, column)) if column is not None else _TABLES.get(table)
