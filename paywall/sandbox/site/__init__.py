"""A small newspaper that sells its articles through the service.

It is a publisher's server: it knows the service by its address and a site token alone.
"""
