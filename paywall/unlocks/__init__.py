"""Unlocks: one article each, for good."""
