"""Ours, plain Django and two libraries of the field, each in processes of its own, with the product's tables."""
