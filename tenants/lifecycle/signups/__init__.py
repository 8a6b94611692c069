"""Coming in by oneself: an address is proved by a code, then a company may be made."""
