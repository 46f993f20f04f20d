"""Unlocks: permanent access to one article."""
