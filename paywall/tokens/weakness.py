"""Detects weak keys: too short, repetitive, or printed in a manual."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

SECRET_BYTES_MIN = 32
UNPREDICTABLE_CHARACTERS_MIN = 16
DISTINCT_CHARACTERS_MIN = 8
RSA_BITS_MIN = 2048
RSA_BITS_MAX = 8192

# Lower case, without `-`, `_`, `.` and spaces. From jwt.io, RFC 7515 A.1, and the manuals of
# FastAPI, Spring, ASP.NET, Symfony, Django, WordPress and its JWT plug-ins, jsonwebtoken and PyJWT.
WELL_KNOWN = (
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "404e635266556a586e3272357538782f413f4428472b4b6250645367566b5970",
    "aym1sysppbydfgzld3umj1qzkobwvmkoqqestjqlrt1qs0gzh75aktmn3yj0ips4hcguutwjazzr9z9caow",
    "astringsecretatleast256bitslong",
    "astringsecretatleast384bitslong",
    "astringsecretatleast512bitslong",
    "thisismycustomsecretkeyforauthentication",
    "thistokenisnotsosecretchangeit",
    "qwertyuiopasdfghjklzxcvbnm",
    "supersecretunguessablekey",
    "putyouruniquephrasehere",
    "abcdefghijklmnopqrstuvwxyz",
    "thisisaverylongsecret",
    "thisisasecretkey",
    "djangoinsecure",
    "yourtopsecretkey",
    "your256bitsecret",
    "your384bitsecret",
    "your512bitsecret",
    "yoursecretkey",
    "mysecretkey",
    "supersecret",
    "sharedsecret",
    "shhhhhared",
    "jwtsecret",
    "secretkey",
    "yoursecret",
    "mysecret",
    "topsecret",
    "changeme",
    "changeit",
    "password",
    "passw0rd",
    "qwerty",
    "secret",
    "shhhhh",
    "example",
    "paywall",
    "hmac",
    "jwt",
    "key",
    "0123456789",
    "1234567890",
    "123456789",
    "abcdefgh",
    "abcdef",
)


def weakness_of_secret(secret: bytes) -> str | None:
    """Why this secret is weak, or None."""
    if len(secret) < SECRET_BYTES_MIN:
        return f"has {len(secret)} bytes where {SECRET_BYTES_MIN} are the least"
    rest = secret.decode("latin-1").lower().translate(str.maketrans("", "", "-_. \r\n\t\0"))
    for phrase in WELL_KNOWN:
        rest = rest.replace(phrase, "")
    rest = rest[: _period(rest)]
    if len(rest) < UNPREDICTABLE_CHARACTERS_MIN or len(set(rest)) < DISTINCT_CHARACTERS_MIN:
        return "is a well-known phrase, or repeats itself"
    return None


def weakness_of_rsa(key: RSAPublicKey) -> str | None:
    """Why this RSA key is weak, or None (NIST SP 800-131A)."""
    if RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
        return None
    return f"has {key.key_size} bits where {RSA_BITS_MIN} to {RSA_BITS_MAX} are allowed"


def _period(text: str) -> int:
    """The length of the shortest part whose repetition is the text."""
    return next(
        (period for period in range(1, len(text)) if text.startswith(text[period:])), len(text)
    )
