"""Everything about Bakong: the KHQR code, the client of the bank's API, and what it answers."""
