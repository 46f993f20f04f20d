"""The command `paywall`: one module for each command."""
