"""Compares a report file with its receipt, and checks who signed the receipt."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exhaust.errors import NotFound, PasswordNeeded
from exhaust.reports.changes import Changes, find_changes
from exhaust.reports.file_kind import FileKind, other_kind
from exhaust.reports.protection import opened
from exhaust.reports.reading import ReadBack, read_report
from exhaust.reports.receipt_check import HINT as FORGED_HINT
from exhaust.reports.receipt_check import find_faults
from exhaust.reports.receipt_reader import ReadReceipt, find_receipts
from exhaust.reports.signature import SignatureState, check_signature
from exhaust.reports.table import embedded_duckdb
from exhaust.reports.try_folder import try_folder
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


@dataclass(frozen=True)
class Checked:
    """A file with its receipt, and what can be known of them without reading the file's values."""

    file: Path
    receipt: ReadReceipt
    state: SignatureState
    sha256: str
    bytes: int
    public_keys: Mapping[str, str]

    @property
    def key_id(self) -> str | None:
        """The key ID as it may be shown: anybody may have written the receipt."""
        signature = self.receipt.content.get("signature")
        key_id = signature.get("key_id") if isinstance(signature, dict) else None
        return visible(key_id)[:MAX_KEY_ID] if isinstance(key_id, str) else None

    @property
    def is_original(self) -> bool:
        """Whether the file has the SHA-256 of its receipt."""
        return self.sha256 == self.receipt.sha256

    @property
    def fault(self) -> Changes | None:
        """What is wrong with the signature, if the project demands one."""
        return _fault(self.state, self.key_id) if self.public_keys else None

    @property
    def renamed_from(self) -> str | None:
        return self.receipt.file if self.receipt.file != self.file.name else None

    def changes(self, read: ReadBack) -> Changes | None:
        """Returns how the file, as it was read, differs from its receipt."""
        if not self.is_original:
            return find_changes(read, self.receipt)
        if self.state == SignatureState.VALID:
            return None
        return self._forged(find_faults(read, self.receipt))

    def changes_to(self, kind: FileKind) -> Changes | None:
        """Returns the changes of a file that is no report at all."""
        if self.is_original:
            return self._forged(["its columns are not those of the file"])
        return Changes([f"the file is {kind.name}"], kind.hint)

    def _forged(self, faults: list[str]) -> Changes | None:
        if self.bytes != self.receipt.bytes:
            faults = ["it has another size than the file", *faults]
        if not faults:
            return None
        return Changes([f"the receipt was changed: {fault}" for fault in faults], FORGED_HINT)


def verify(
    file: Path,
    receipt: Path | None = None,
    public_keys: Mapping[str, str] | None = None,
    password: str | None = None,
) -> Verification:
    """Compares a file with its receipt: the one that is given, or that of its name, or the one in
    its folder that has the file's SHA-256.

    With `public_keys`, by ID, a file passes only if one of them has signed its receipt. Raises
    NotFound if the file or its receipt does not exist, DataError if the receipt or an Excel file
    cannot be read, UsageError if a public key cannot be read, PasswordNeeded, WrongPassword.
    """
    for _ in range(READS):
        before = _state(file)
        found = _verify(check(file, receipt, public_keys), password)
        if found.is_unchanged or _state(file) == before:
            break
    return found


def check(file: Path, receipt: Path | None, public_keys: Mapping[str, str] | None) -> Checked:
    """Finds the receipt of a file, as `verify` does."""
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", "Give a report that `exhaust export` wrote.")
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
    found = [ReadReceipt.of(receipt)] if receipt else find_receipts(file, digest)
    states = [check_signature(one.content, public_keys or {}) for one in found]
    # Several, if the file was renamed and was exported more than once.
    best = states.index(SignatureState.VALID) if SignatureState.VALID in states else 0
    return Checked(file, found[best], states[best], digest, size, public_keys or {})


def _state(path: Path) -> tuple[int, ...]:
    """Returns what changes if a file is replaced."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    return (stat.st_dev, stat.st_ino, stat.st_mtime_ns)


def _verify(checked: Checked, password: str | None) -> Verification:
    fault = checked.fault
    notes = _notes(checked)
    try:
        changes = _changes(checked, password)
    except PasswordNeeded:
        if not checked.is_original:
            raise
        changes = None
        notes.append(
            "Its contents were not compared with the receipt: that needs the password. Its SHA-256 "
            "is that of the receipt."
        )
    wrong = [found for found in (fault, changes) if found]
    return Verification(
        file=str(checked.file),
        receipt=str(checked.receipt.path),
        rows=checked.receipt.rows,
        is_unchanged=not wrong,
        matches_receipt=changes is None,
        changes=[line for found in wrong for line in found.lines],
        hint=wrong[0].hint if wrong else None,
        notes=notes,
        renamed_from=checked.renamed_from,
        signature=checked.state,
        key_id=checked.key_id,
    )


def _changes(checked: Checked, password: str | None) -> Changes | None:
    if checked.is_original and checked.state == SignatureState.VALID:
        return None
    with try_folder() as scratch, embedded_duckdb(scratch) as duck:
        plain = opened(checked.file, password, scratch)
        if kind := other_kind(plain):
            return checked.changes_to(kind)
        return checked.changes(read_report(plain, checked.receipt, duck, "report", scratch))


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


def _notes(checked: Checked) -> list[str]:
    notes = []
    if checked.renamed_from is not None:
        notes.append(f"The file was renamed: it was `{visible(checked.renamed_from)}`.")
    if checked.state == SignatureState.VALID:
        notes.append(f"Its receipt is signed with the key `{checked.key_id}` of this project.")
    if checked.state == SignatureState.UNCHECKED:
        notes.append(
            "Its receipt is signed, but the signature was not checked: no public key is "
            "configured (`receipt_public_keys` in dbt_project.yml)."
        )
    return notes
