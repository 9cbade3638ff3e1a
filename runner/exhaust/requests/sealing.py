"""Passwords on their way to a worker: sealed to its public key, so that only its private key opens
them.

The private key is a file that only the worker's user may read. Whoever reads the ledger learns
nothing from a sealed password, not even its length.
"""

import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.errors import DataError, PermissionDenied, UsageError
from exhaust.permissions import make_folder
from exhaust.reports.files import NO_ROOM
from exhaust.reports.parts import new_part
from exhaust.text import Message

if TYPE_CHECKING:
    from nacl.public import PrivateKey

# `nacl` is imported inside the functions: most requests have no password.

KEY_BYTES = 32
PADDED_BYTES = 1024
"""The length of each password when it is sealed; longer ones are refused long before."""
PADDING = b"\0"
"""No password has this character."""


def seal(password: str, public_key: str) -> str:
    """Returns a password that only the private key of this public key opens; both in Base64."""
    from nacl.public import PublicKey, SealedBox

    padded = password.encode().ljust(PADDED_BYTES, PADDING)
    return b64encode(SealedBox(PublicKey(b64decode(public_key))).encrypt(padded)).decode()


def is_public_key(text: str | None) -> bool:
    """Returns whether a text of the ledger is a public key."""
    try:
        return len(b64decode(text or "", validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False


@dataclass(frozen=True)
class WorkerKey:
    """Opens passwords. Does not show its private key."""

    public: str
    """In Base64."""
    _private: "PrivateKey" = field(repr=False)

    def open(self, sealed: str) -> str:
        """Returns a password that was sealed to the public key. Raises DataError for another."""
        from nacl.exceptions import CryptoError
        from nacl.public import SealedBox

        try:
            padded = SealedBox(self._private).decrypt(b64decode(sealed, validate=True))
            return padded.rstrip(PADDING).decode()
        except (CryptoError, ValueError, TypeError):
            raise DataError(
                Message(
                    "Its password is sealed to the key of another worker. Request it again; all "
                    "workers of a ledger need one key (`worker_key_file`)."
                )
            ) from None


def worker_key(file: Path) -> WorkerKey:
    """Returns the key of the workers that share a file; makes it if there is none.

    Raises PermissionDenied if others could read the file, UsageError if it cannot be made or is
    not a key.
    """
    from nacl.public import PrivateKey

    with _plain_errors(file):
        if not os.path.lexists(file):
            _make(file)
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(opened.fileno())
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise PermissionDenied(
                f"The key of the workers {file} is not only yours to read.",
                "It opens the passwords of reports. Make it yours, with `chown` and `chmod 600`.",
            )
        text = opened.read(1000).strip()
    try:
        private = PrivateKey(b64decode(text, validate=True))
    except (ValueError, TypeError):
        # Neither quoted nor the cause: it may be somebody's key.
        raise UsageError(
            f"{file} is not a key of workers.",
            "Remove it; `exhaust process` makes another. Requests that wait with a password fail.",
        ) from None
    return WorkerKey(b64encode(bytes(private.public_key)).decode(), private)


def _make(file: Path) -> None:
    """Makes a new key, unless another worker is faster: a file is whole as soon as it is there."""
    from nacl.public import PrivateKey

    make_folder(file.parent, is_private=True)
    with new_part(file.parent, is_private=True) as (part, opened):
        os.fchmod(opened.fileno(), 0o600)
        opened.write(b64encode(bytes(PrivateKey.generate())) + b"\n")
        opened.close()
        with suppress(FileExistsError):
            os.link(part, file)


@contextmanager
def _plain_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        raise UsageError(
            f"The key of the workers {file} cannot be read or made: {error.strerror}.",
            "Name a file that the worker may read with `worker_key_file`, in dbt_project.yml.",
        ) from error
