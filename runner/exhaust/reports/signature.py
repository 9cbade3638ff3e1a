"""Signatures of receipts: Ed25519, by a private key from the environment.

What is signed is the receipt without its signature, as JSON in ASCII with sorted keys and no
spaces. docs/receipts.md shows how to make a key and how to check a signature by hand.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exhaust.console import Console
from exhaust.errors import UsageError
from exhaust.project.settings import Settings
from exhaust.text import visible

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

# `cryptography` is imported inside the functions: most exports do not sign.

ALGORITHM = "Ed25519"
KEY = "EXHAUST_RECEIPT_KEY"
KEY_FILE = f"{KEY}_FILE"
AROUND = re.compile(r"-----[A-Z ]+-----|\s|\\n")
"""What a PEM has besides Base64. Files of environment variables write a line end as `\\n`."""
MAX_KEY_BYTES = 1 << 16
HOW_TO_MAKE_A_KEY = "docs/receipts.md says how to make a key with openssl."


class SignatureState(StrEnum):
    """What is known of a receipt's signature."""

    VALID = "valid"
    UNSIGNED = "unsigned"
    UNCHECKED = "unchecked"
    """There is a signature, but no public key to check it with."""
    UNKNOWN_KEY = "unknown key"
    WRONG = "wrong"
    """The receipt was changed after it was signed, or the signature was."""


@dataclass(frozen=True)
class Signer:
    """Signs receipts. Does not show its private key."""

    key_id: str
    _key: "Ed25519PrivateKey"

    def sign(self, receipt: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a receipt with its signature at the end."""
        signature = {
            "algorithm": ALGORITHM,
            "key_id": self.key_id,
            "value": b64encode(self._key.sign(signed_form(receipt))).decode(),
        }
        return {**receipt, "signature": signature}


def signed_form(receipt: Mapping[str, Any]) -> bytes:
    """Returns what is signed: the receipt without its signature, as JSON in ASCII with sorted
    keys and no spaces."""
    content = {name: value for name, value in receipt.items() if name != "signature"}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def read_signer(settings: Settings, console: Console) -> Signer | None:
    """Returns the signer of the environment's private key; None if there is no key.

    Warns if a project that has public keys does not sign. Raises UsageError, which never quotes a
    key, for a key that cannot be read or whose receipts would not pass in the project.
    """
    public_keys = read_public_keys(settings.receipt_public_keys)
    text = _private_key_text(settings.environment)
    if text is None:
        if public_keys:
            console.say(
                "warning: receipts are not signed, so `exhaust verify` will not accept them: the "
                f"project lists public keys (`receipt_public_keys`), but {KEY} is not set."
            )
        return None
    key = _private_key(text)
    key_id = id_of(key.public_key())
    if public_keys and key_id not in public_keys:
        raise UsageError(
            f"The receipt key of the environment, `{key_id}`, is not in the project's "
            "`receipt_public_keys`: nobody could verify its receipts.",
            "Add its public key to dbt_project.yml, or use the key of the project.",
        )
    return Signer(key_id, key)


def read_public_keys(listed: Mapping[str, str]) -> "dict[str, Ed25519PublicKey]":
    """Returns the public keys by their IDs, from `receipt_public_keys`.

    Raises UsageError if one is not an Ed25519 public key in PEM, or has the ID of another key.
    """
    keys = {}
    for key_id, text in listed.items():
        key = _public_key(key_id, text)
        if id_of(key) != key_id:
            raise UsageError(
                f"receipt_public_keys: the public key under `{visible(key_id)}` has the ID "
                f"`{id_of(key)}`.",
                "Correct its ID in dbt_project.yml.",
            )
        keys[key_id] = key
    return keys


def check_signature(receipt: Mapping[str, Any], listed: Mapping[str, str]) -> SignatureState:
    """Checks the signature of a receipt against public keys by their IDs.

    Raises UsageError as `read_public_keys` does.
    """
    signature = receipt.get("signature")
    if signature is None:
        return SignatureState.UNSIGNED
    if not listed:
        return SignatureState.UNCHECKED
    from cryptography.exceptions import InvalidSignature

    keys = read_public_keys(listed)
    try:
        if signature["algorithm"] != ALGORITHM:
            return SignatureState.WRONG
        key = keys.get(signature["key_id"])
        if key is None:
            return SignatureState.UNKNOWN_KEY
        key.verify(b64decode(signature["value"], validate=True), signed_form(receipt))
    except (InvalidSignature, KeyError, TypeError, ValueError, RecursionError):
        return SignatureState.WRONG
    return SignatureState.VALID


def id_of(key: "Ed25519PublicKey") -> str:
    """Returns the ID of a public key: 16 hexadecimal digits of the SHA-256 of its DER form."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()[:16]


def _private_key_text(environment: Mapping[str, str]) -> str | None:
    text, file = environment.get(KEY), environment.get(KEY_FILE)
    if text and file:
        raise UsageError(f"Both {KEY} and {KEY_FILE} are set.", "Set only one of them.")
    if not file:
        return text or None
    try:
        with Path(file).expanduser().open("rb") as stream:
            return stream.read(MAX_KEY_BYTES).decode("ascii", "replace")
    except (OSError, RuntimeError, ValueError) as error:
        # The path is not quoted: somebody may have set the key itself.
        reason = error.strerror if isinstance(error, OSError) else "this is not a path"
        raise UsageError(
            f"The file that {KEY_FILE} names cannot be read: {reason}.",
            f"Give the path of a private key. {HOW_TO_MAKE_A_KEY}",
        ) from None


def _private_key(text: str) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key: object = load_der_private_key(_der(text), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"The key in {KEY} or {KEY_FILE} is not an Ed25519 private key in PEM without a "
            "password.",
            HOW_TO_MAKE_A_KEY,
        )
    return key


def _public_key(key_id: str, text: str) -> "Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key: object = load_der_public_key(_der(text))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(
            f"receipt_public_keys: `{visible(key_id)}` is not an Ed25519 public key in PEM.",
            HOW_TO_MAKE_A_KEY,
        )
    return key


def _der(text: str) -> bytes:
    """Returns what is in a PEM, with or without the lines around it."""
    return b64decode(AROUND.sub("", text), validate=True)
