"""The paywall: unlock credits, subscriptions and access to article bodies, for news sites."""

__version__ = "0.1.0"
