"""Keys that programs use in a person's name."""
