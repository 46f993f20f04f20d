"""`make soak`: mixed load and floods for an hour; what the service uses must stay the same."""
