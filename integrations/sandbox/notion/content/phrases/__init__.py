"""The words of the demo: hand-written task patterns, slots and bodies per language, kept as TOML data."""
