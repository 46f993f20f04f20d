"""Purchases by any processor, and what refunds take back of them."""
