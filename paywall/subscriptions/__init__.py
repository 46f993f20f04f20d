"""Subscriptions, passes and prepaid periods, which open every article until a time."""
