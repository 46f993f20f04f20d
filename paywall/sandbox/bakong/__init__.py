"""A stand-in for Bakong: its API, and a telephone that pays. No money moves.

It answers as the public documents of the bank describe, and fails on request.
"""
