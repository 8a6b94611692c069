"""`/v1/users`."""

from __future__ import annotations

from integrations.sandbox.notion.call import Call, listing
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.pagination import page_of, question_of
from integrations.sandbox.notion.validation import page_size, path_id


def list_users(call: Call) -> Json:
    """People and bots of the workspace; guests are not listed by Notion and are not loaded here."""
    users = list(call.workspace.users.values())
    size = page_size(call.parameter("page_size"), "query")
    question = question_of("users", call.workspace.id)
    page, cursor = page_of(
        call.cursors, users, lambda user: user["id"], question, call.parameter("start_cursor"), size
    )
    return listing("user", list(page), cursor)


def retrieve_user(call: Call, user_id: str) -> Json:
    found = call.workspace.users.get(path_id("user_id", user_id))
    if found is None:
        raise call.missing("user", user_id)
    return dict(found)


def retrieve_me(call: Call) -> Json:
    """The bot the token belongs to."""
    return dict(call.actor)
