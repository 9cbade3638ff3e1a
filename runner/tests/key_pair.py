"""Keys to sign receipts with."""

from base64 import b64encode
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


class KeyPair:
    """A new pair of keys, as openssl prints them."""

    def __init__(self) -> None:
        key = Ed25519PrivateKey.generate()
        public = key.public_key()
        self.private_pem = key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode()
        self.public_pem = public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = sha256(der).hexdigest()[:16]
        self.listed = {self.key_id: b64encode(der).decode()}
        """What `receipt_public_keys` says."""
