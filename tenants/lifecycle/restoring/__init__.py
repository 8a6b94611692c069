"""One company brought back to a moment, beside everybody else, from the server's backups; and taken back again."""
