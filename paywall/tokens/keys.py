"""The service's own signing keys, stored in `<data_dir>/keys.json`.

EdDSA with Ed25519 (RFC 8037): signing needs no randomness that could fail, there is one curve and
nothing to choose, and keys and signatures are the smallest of the four.
"""

import base64
import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from paywall.private_files import is_open_to_others, make_private_folder, sync_path
from paywall.settings import SettingsError
from paywall.telemetry import logger
from paywall.tokens.issuers import VerificationKey
from paywall.tokens.limits import LEEWAY, SITE_LIFETIME_SECONDS_MAX

FILE_NAME = "keys.json"
ALGORITHM = "EdDSA"
LOOK_AGAIN = timedelta(seconds=1)
KEPT_WHEN_RETIRED = timedelta(seconds=SITE_LIFETIME_SECONDS_MAX) + LEEWAY


class SigningKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key pair; it signs until it is retired, and verifies until its tokens have expired.

    It begins to sign when the one before it is retired, which may be planned for later.
    """

    kid: str
    # The seed of RFC 8032 §5.1.5, 32 bytes as base64url.
    private_key: str
    created_at: datetime
    retired_at: datetime | None = None

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(_from_base64url(self.private_key))

    def is_retired(self, now: datetime) -> bool:
        return self.retired_at is not None and now >= self.retired_at

    def is_over(self, now: datetime) -> bool:
        return self.retired_at is not None and now >= self.retired_at + KEPT_WHEN_RETIRED


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[SigningKey]


class Keyring:
    """The keys of this service; all of its processes share the file.

    Another process may change the file at any time; it is looked at for each token to sign, for
    each unknown key, and otherwise every second.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._stamp: tuple[int, int, int] | None = None
        self._looked_at = self._look_again_at = datetime.min.replace(tzinfo=UTC)
        self._signing: list[SigningKey] = []
        self._verifying: dict[str | None, VerificationKey] = {}

    def newest(self, now: datetime) -> SigningKey:
        """The signing key, created on first use; raises SettingsError if it cannot be stored."""
        self._reload(now)
        if (key := self._in_use(now)) is None:
            with self._locked():
                self._reload(now)
                if (key := self._in_use(now)) is None:
                    key = _make(now)
                    self._write([*self._signing, key], now)
        return key

    def rotate(self, now: datetime, signs_from: datetime | None = None) -> SigningKey:
        """Add a key, which signs from that time on, by default from now, and retire the others.

        Until then it only verifies, so that every machine can get it before its first token.
        Keys whose tokens have all expired are removed.
        """
        at = signs_from or now
        with self._locked():
            self._reload(now)
            retired = [
                msgspec.structs.replace(key, retired_at=min(key.retired_at or at, at))
                for key in self._signing
                if not key.is_over(now)
            ]
            key = _make(now)
            self._write([*retired, key], now)
        return key

    def public_jwks(self, now: datetime) -> dict[str, list[dict[str, str]]]:
        """The public parts (RFC 7517 §5, RFC 8037 §2)."""
        self.newest(now)
        return {"keys": [_public_jwk(key) for key in self._signing if not key.is_over(now)]}

    async def find(self, kid: str | None, now: datetime) -> VerificationKey | None:
        if kid not in self._verifying:
            self._reload(now)
        return self._verifying.get(kid)

    def holds(self, key: VerificationKey, now: datetime) -> bool:
        if not self._looked_at <= now < self._look_again_at:
            self._reload(now)
        return self._verifying.get(key.kid) is key

    def _in_use(self, now: datetime) -> SigningKey | None:
        """The first that is not retired; later ones have yet to begin."""
        return next((key for key in self._signing if not key.is_retired(now)), None)

    def _reload(self, now: datetime) -> None:
        """Read the file again if it has changed."""
        self._looked_at, self._look_again_at = now, now + LOOK_AGAIN
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        try:
            self._take(self._read() if stamp else [])
        except SettingsError:
            if self._stamp is None:
                raise
            # A broken file must not stop a running service, but it prevents a restart.
            logger.exception("the signing keys stay as they were")
        self._stamp = stamp

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._cannot("read", error) from error
        return (status.st_mtime_ns, status.st_ino, status.st_size)

    def _read(self) -> list[SigningKey]:
        try:
            self._refuse_open_file()
            keys = msgspec.json.decode(self._path.read_bytes(), type=_File).keys
            for key in keys:
                key.private.public_key()
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{self._path} cannot be read: {error}. Put back a copy, or remove the file: a new"
                " key is then made, and the tokens of the old one end."
            ) from error
        return keys

    def _refuse_open_file(self) -> None:
        """Refuse a file that others could read: they can sign tokens until the keys are replaced.

        Raises SettingsError.
        """
        if is_open_to_others(self._path):
            raise SettingsError(
                f"{self._path} can be read by other users of this machine, who could sign any token"
                f" with it. Run: chmod 600 {self._path}. Where one may have read it, remove it"
                " instead: a new key is then made, and the tokens of the old one end."
            )

    def _take(self, keys: list[SigningKey]) -> None:
        self._signing = keys
        known = self._verifying
        verifying = [VerificationKey(key.kid, ALGORITHM, key.private.public_key()) for key in keys]
        # An unchanged key remains the same object, because cached tokens compare keys by identity.
        self._verifying = {
            key.kid: same if (same := known.get(key.kid)) == key else key for key in verifying
        }

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the file, so that two processes that start at once create only one key."""
        try:
            make_private_folder(self._path.parent)
            lock = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise self._cannot("write", error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, keys: list[SigningKey], now: datetime) -> None:
        try:
            _replace(self._path, msgspec.json.format(msgspec.json.encode(_File(keys))))
        except OSError as error:
            raise self._cannot("write", error) from error
        self._reload(now)

    def _cannot(self, verb: str, error: OSError) -> SettingsError:
        return SettingsError(
            f"The signing key cannot be kept in {self._path.parent}: {error.strerror}."
            f" Let data_dir be a folder that the service may {verb}."
        )


def _make(now: datetime) -> SigningKey:
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    return SigningKey(kid=secrets.token_hex(8), private_key=_base64url(seed), created_at=now)


def _public_jwk(key: SigningKey) -> dict[str, str]:
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _base64url(key.private.public_key().public_bytes_raw()),
        "kid": key.kid,
        "alg": ALGORITHM,
        "use": "sig",
    }


def _replace(path: Path, content: bytes) -> None:
    """Replace the file atomically and durably: readers see the old or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
    sync_path(path.parent)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
