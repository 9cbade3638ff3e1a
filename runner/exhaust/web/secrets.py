"""The secrets of a server: from the environment, from a file, or made on first use."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exhaust.errors import UsageError
from exhaust.permissions import private_opener

SESSION_KEY = "EXHAUST_SESSION_KEY"
CLIENT_SECRET = "EXHAUST_OIDC_CLIENT_SECRET"  # noqa: S105
PROXY_SECRET = "EXHAUST_PROXY_SECRET"  # noqa: S105
MIN_LENGTH = 32


@dataclass(frozen=True)
class Keys:
    """One secret, from which a key is derived for each purpose."""

    secret: bytes = field(repr=False)

    def derived(self, purpose: str) -> bytes:
        """Returns 32 bytes that say nothing about the keys of other purposes (HKDF, RFC 5869)."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), 32, salt=None, info=f"exhaust {purpose}".encode()).derive(self.secret)


def read_secret(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Returns the secret in a variable, or in the file that the variable `<name>_FILE` names.

    Raises UsageError for a file that cannot be read, is empty, or that others may read.
    """
    if given := environ.get(name):
        return given
    path = environ.get(f"{name}_FILE")
    return _read(Path(path), f"{name}_FILE") if path else None


def needed_secret(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Returns a secret. Raises UsageError if there is none, or it is too short to be one."""
    found = read_secret(name, environ)
    if found is None:
        raise UsageError(
            f"{name} is not set.", f"Set it, or name a file of mode 600 with {name}_FILE."
        )
    return found


def session_keys(file: Path, environ: Mapping[str, str] = os.environ) -> Keys:
    """Returns the keys of a server: from EXHAUST_SESSION_KEY, else from a file that is made on
    first use, with mode 600."""
    found = read_secret(SESSION_KEY, environ)
    if found is not None and len(found) < MIN_LENGTH:
        raise UsageError(
            f"{SESSION_KEY} is too short: it has to have {MIN_LENGTH} characters or more.",
            "For example: openssl rand -base64 48",
        )
    return Keys((found or _read_or_make(file)).encode())


def _read_or_make(file: Path) -> str:
    made = secrets.token_urlsafe(48)
    try:
        with open(file, "x", encoding="ascii", opener=_owner_only) as new:
            new.write(made)
    except FileExistsError:
        return _read(file, SESSION_KEY)
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written: {error.strerror}.", f"Set {SESSION_KEY}."
        ) from error
    return made


def _owner_only(path: str, flags: int) -> int:
    descriptor = private_opener(path, flags)
    os.fchmod(descriptor, 0o600)
    return descriptor


def _read(file: Path, name: str) -> str:
    try:
        text = file.read_text("utf-8").strip()
        mode = file.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{name}: {file} cannot be read: {reason}.") from error
    if mode & 0o077:
        raise UsageError(f"{name}: others may read {file}.", f"Run: chmod 600 {file}")
    if not text:
        raise UsageError(f"{name}: {file} is empty.")
    return text
