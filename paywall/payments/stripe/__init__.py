"""Payments that Stripe handles: on its page, told by its webhooks, looked after by reconcile."""
