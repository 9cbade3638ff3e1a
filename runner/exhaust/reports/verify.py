"""Compares a report file with its receipt, and checks who signed the receipt."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exhaust.errors import NotFound
from exhaust.reports.changes import Changes, find_changes
from exhaust.reports.receipt_check import HINT, find_faults
from exhaust.reports.receipt_reader import ReadReceipt, find_receipts
from exhaust.reports.signature import SignatureState, check_signature
from exhaust.text import visible

READS = 3
"""How often a pair is read if an export replaces it meanwhile."""
MAX_KEY_ID = 60
"""Characters of a key ID that are shown."""


@dataclass(frozen=True)
class Verification:
    """How a file compares with its receipt, and whether the receipt can be trusted."""

    file: str
    receipt: str
    rows: int
    """Rows according to the receipt."""
    is_unchanged: bool
    """Whether the file passes: it matches its receipt, and the signature is as demanded."""
    matches_receipt: bool
    changes: list[str]
    """What is wrong with the signature, then what was changed in the file."""
    hint: str | None
    """What to do about the changes."""
    notes: list[str]
    """What else there is to know; it changes nothing."""
    renamed_from: str | None
    """The name in the receipt, if the file has another name now."""
    signature: SignatureState
    key_id: str | None
    """The ID of the key that the receipt claims to be signed with."""


def verify(
    file: Path, receipt: Path | None = None, public_keys: Mapping[str, str] | None = None
) -> Verification:
    """Compares a file with its receipt: the one that is given, or that of its name, or the one in
    its folder that has the file's SHA-256.

    With `public_keys`, by ID, a file passes only if one of them has signed its receipt. Raises
    NotFound if the file or its receipt does not exist, DataError if the receipt cannot be read,
    UsageError if a public key cannot be read.
    """
    for _ in range(READS):
        before = _state(file)
        found = _verify(file, receipt, public_keys)
        if found.is_unchanged or _state(file) == before:
            break
    return found


def _state(path: Path) -> tuple[int, ...]:
    """Returns what changes if a file is replaced."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    return (stat.st_dev, stat.st_ino, stat.st_mtime_ns)


def _verify(
    file: Path, receipt: Path | None, public_keys: Mapping[str, str] | None
) -> Verification:
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", "Give a report that `exhaust export` wrote.")
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
    found = [ReadReceipt.of(receipt)] if receipt else find_receipts(file, digest)
    states = [check_signature(one.content, public_keys or {}) for one in found]
    # Several, if the file was renamed and was exported more than once.
    best = states.index(SignatureState.VALID) if SignatureState.VALID in states else 0
    read, state = found[best], states[best]
    key_id = _key_id(read)
    fault = _fault(state, key_id) if public_keys else None
    changes = _changes(file, read, digest, size, state)
    wrong = [found for found in (fault, changes) if found]
    renamed_from = read.file if read.file != file.name else None
    return Verification(
        file=str(file),
        receipt=str(read.path),
        rows=read.rows,
        is_unchanged=not wrong,
        matches_receipt=changes is None,
        changes=[line for found in wrong for line in found.lines],
        hint=wrong[0].hint if wrong else None,
        notes=_notes(state, key_id, renamed_from),
        renamed_from=renamed_from,
        signature=state,
        key_id=key_id,
    )


def _changes(
    file: Path, receipt: ReadReceipt, digest: str, size: int, state: SignatureState
) -> Changes | None:
    if digest != receipt.sha256:
        return find_changes(file, receipt)
    if state == SignatureState.VALID:
        return None
    faults = find_faults(file, receipt)
    if size != receipt.bytes:
        faults.insert(0, "it has another size than the file")
    if not faults:
        return None
    return Changes([f"the receipt was changed: {fault}" for fault in faults], HINT)


def _key_id(receipt: ReadReceipt) -> str | None:
    """Returns the key ID as it may be shown: anybody may have written the receipt."""
    signature = receipt.content.get("signature")
    key_id = signature.get("key_id") if isinstance(signature, dict) else None
    return visible(key_id)[:MAX_KEY_ID] if isinstance(key_id, str) else None


def _fault(state: SignatureState, key_id: str | None) -> Changes | None:
    """Returns what is wrong with the signature where the project demands one."""
    faults = {
        SignatureState.UNSIGNED: Changes(
            [
                "the receipt is not signed, but the project demands it: it lists public keys "
                "(`receipt_public_keys`)"
            ],
            "Export the report again where EXHAUST_RECEIPT_KEY is set.",
        ),
        SignatureState.UNKNOWN_KEY: Changes(
            [
                f"the receipt is signed with the key `{key_id}`, which is not in the project's "
                "`receipt_public_keys`"
            ],
            "If you trust this key, add its public key to dbt_project.yml.",
        ),
        SignatureState.WRONG: Changes(
            ["the signature does not fit: the receipt was changed after it was signed"],
            "Get the file and its receipt again from where they were exported.",
        ),
    }
    return faults.get(state)


def _notes(state: SignatureState, key_id: str | None, renamed_from: str | None) -> list[str]:
    notes = []
    if renamed_from is not None:
        notes.append(f"The file was renamed: it was `{visible(renamed_from)}`.")
    if state == SignatureState.VALID:
        notes.append(f"Its receipt is signed with the key `{key_id}` of this project.")
    if state == SignatureState.UNCHECKED:
        notes.append(
            "Its receipt is signed, but the signature was not checked: no public key is "
            "configured (`receipt_public_keys` in dbt_project.yml)."
        )
    return notes
