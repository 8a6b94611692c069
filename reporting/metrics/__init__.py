"""Figures over the floors below, one file per metric: a reader in, frozen values out, a few queries each."""
