"""The limits of tokens."""

from datetime import timedelta

TOKEN_BYTES_MAX = 8 * 1024
# The permitted error of an issuer's clock.
LEEWAY = timedelta(seconds=30)

SITE_LIFETIME_SECONDS = 90 * 86_400
SITE_LIFETIME_SECONDS_MAX = 366 * 86_400
READER_LIFETIME_SECONDS_MIN = 60
READER_LIFETIME_SECONDS_MAX = 900
