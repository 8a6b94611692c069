"""Moving a company to another cell while it works; importing this makes the saga known."""

from tenants.lifecycle.moving.copies import KEEP_DAYS, drop_copies_of, drop_old_copies, kept_copies
from tenants.lifecycle.moving.saga import STEPS
from tenants.lifecycle.moving.services import move_tenant, open_move, start_move, undo_move

__all__ = [
    "KEEP_DAYS",
    "STEPS",
    "drop_copies_of",
    "drop_old_copies",
    "kept_copies",
    "move_tenant",
    "open_move",
    "start_move",
    "undo_move",
]
