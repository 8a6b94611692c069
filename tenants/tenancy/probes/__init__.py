"""Attacks on the walls between companies, carried out inside a transaction of one of them."""
