"""Subscriptions: they open everything until a time."""
