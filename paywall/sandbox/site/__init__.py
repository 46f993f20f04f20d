"""A small newspaper that sells its articles through the service.

Like a publisher's server it uses the service's API alone, with a site token.
"""
