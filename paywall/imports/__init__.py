"""Imports of articles, grants, unlocks and subscriptions from CSV files and WordPress exports."""
