"""A stand-in for Stripe: no money moves. Tests and the sandbox sell through it.

It answers the part of Stripe's API that the service asks, keeps what a Stripe account would keep,
moves only when its clock is moved, and tells of everything by signed events.
"""
