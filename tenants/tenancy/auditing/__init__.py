"""How schemas are compared: a fingerprint of each from the catalogs, and a description people can read."""
