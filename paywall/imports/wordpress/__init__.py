"""Imports what readers have in a WordPress paywall plug-in: Penci Paywall or JNews Paywall."""
