"""A stand-in for Stripe, through which the tests and the sandbox sell. No money moves.

It implements the part of Stripe's API that the service uses, stores what a Stripe account stores,
has a clock of its own that can be moved, and sends signed events.
"""
