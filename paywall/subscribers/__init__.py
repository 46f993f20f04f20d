"""Readers with anything on record: what they have, and the proof that it adds up."""
