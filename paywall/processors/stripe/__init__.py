"""Everything about Stripe: its API client, its objects as values, and what is recorded of them."""
