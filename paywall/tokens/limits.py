"""What bounds a token, in one place."""

from datetime import timedelta

TOKEN_BYTES_MAX = 8 * 1024
# How far an issuer's clock may be off.
LEEWAY = timedelta(seconds=30)

SITE_LIFETIME_SECONDS = 90 * 86_400
SITE_LIFETIME_SECONDS_MAX = 366 * 86_400
READER_LIFETIME_SECONDS_MIN = 60
READER_LIFETIME_SECONDS_MAX = 900
