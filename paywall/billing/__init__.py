"""Whose customer in Stripe is whose, and what Stripe is asked to do."""
