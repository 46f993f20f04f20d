"""Purchases through any processor, and what refunds claw back."""
