"""A small newspaper and stand-ins for Stripe and Bakong, for `make run` and the tests alone."""
