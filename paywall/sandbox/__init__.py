"""A small newspaper and a stand-in for Stripe, for `make run` and the tests alone."""
