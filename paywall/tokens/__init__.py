"""Tokens: issuers and their keys, verification, minting, revocation, and the guards of routes."""
