"""Which addresses are pages of the site."""

from paywall.rules.urls import origin_of
from paywall.settings import Settings


def is_of_the_site(address: str, settings: Settings) -> bool:
    """Whether a browser reads the address as a page on one of `allowed_origins`."""
    origin = origin_of(address)
    return origin is not None and origin in map(origin_of, settings.allowed_origins)
