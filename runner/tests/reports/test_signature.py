import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from key_pair import KeyPair
from support import RecordingConsole
from verify_support import ROWS, receipt_for, receipt_of, report

from exhaust.errors import UsageError
from exhaust.project.settings import Settings
from exhaust.reports.signature import SignatureState, Signer, read_signer, signed_form
from exhaust.reports.verify import Verification, verify

pytestmark = pytest.mark.not_on_spark


@pytest.fixture
def new_signer(settings_duckdb: Settings, console: RecordingConsole) -> Callable[..., object]:
    """Returns a function that reads the signer of an environment and listed public keys."""

    def new_signer(listed: dict[str, str], **environment: str) -> Signer | None:
        settings = replace(settings_duckdb, environment=environment, receipt_public_keys=listed)
        return read_signer(settings, console)

    return new_signer


NewSigner = Callable[..., Signer | None]


@pytest.fixture
def signer(new_signer: NewSigner, keys: KeyPair) -> Signer:
    signer = new_signer({}, EXHAUST_RECEIPT_KEY=keys.private_pem)
    assert signer
    return signer


@pytest.fixture
def signed(file: Path, signer: Signer) -> Path:
    """Writes a report with a signed receipt."""
    receipt = signer.sign({**receipt_for(file), "course": {"id": "do_1", "name": "தமிழ் 🎓"}})
    receipt_of(file).write_text(json.dumps(receipt, indent=2, ensure_ascii=False), "utf-8")
    return file


def change_signature(file: Path, **changes: object) -> None:
    receipt = json.loads(receipt_of(file).read_text("utf-8"))
    receipt["signature"] |= changes
    receipt_of(file).write_text(json.dumps(receipt))


def faults_of(found: Verification) -> tuple[SignatureState, list[str]]:
    assert (found.is_unchanged, found.matches_receipt) == (False, True)
    assert found.hint
    return found.signature, found.changes


class TestVerification:
    def test_a_signed_receipt_passes(self, signed: Path, keys: KeyPair) -> None:
        for listed in (keys.listed, {**KeyPair().listed, keys.key_id: keys.public_pem}):
            found = verify(signed, public_keys=listed)
            assert (found.is_unchanged, found.signature) == (True, SignatureState.VALID)
            assert found.key_id == keys.key_id
            assert found.notes == [
                f"Its receipt is signed with the key `{keys.key_id}` of this project."
            ]

    def test_a_forged_pair_does_not_pass(self, signed: Path, keys: KeyPair) -> None:
        """A changed file, and its receipt changed to fit."""
        before = json.loads(receipt_of(signed).read_text("utf-8"))
        signed.write_text(report(ROWS).replace("47%", "97%"))
        forged = {**before, **{k: v for k, v in receipt_for(signed).items() if k != "course"}}
        receipt_of(signed).write_text(json.dumps(forged), "utf-8")
        assert verify(signed).is_unchanged
        assert faults_of(verify(signed, public_keys=keys.listed)) == (
            SignatureState.WRONG,
            ["the signature does not fit: the receipt was changed after it was signed"],
        )

    def test_a_forged_pair_without_a_signature_does_not_pass(
        self, file: Path, keys: KeyPair
    ) -> None:
        assert verify(file).is_unchanged
        state, (change,) = faults_of(verify(file, public_keys=keys.listed))
        assert state == SignatureState.UNSIGNED
        assert change.startswith("the receipt is not signed, but the project demands it")

    def test_a_forged_pair_with_the_forgers_signature_does_not_pass(
        self, signed: Path, keys: KeyPair, new_signer: NewSigner
    ) -> None:
        forger = KeyPair()
        signer = new_signer({}, EXHAUST_RECEIPT_KEY=forger.private_pem)
        assert signer
        receipt_of(signed).write_text(json.dumps(signer.sign(receipt_for(signed))))
        state, (change,) = faults_of(verify(signed, public_keys=keys.listed))
        assert state == SignatureState.UNKNOWN_KEY
        assert f"signed with the key `{forger.key_id}`, which is not in" in change
        change_signature(signed, key_id=keys.key_id)
        assert faults_of(verify(signed, public_keys=keys.listed))[0] == SignatureState.WRONG

    @pytest.mark.parametrize(
        "changes",
        [
            {"value": "AAAA"},
            {"value": "not base64"},
            {"value": 5},
            {"algorithm": "none"},
            {"key_id": []},
        ],
        ids=str,
    )
    def test_a_damaged_signature_does_not_pass(
        self, signed: Path, keys: KeyPair, changes: dict[str, object]
    ) -> None:
        change_signature(signed, **changes)
        assert faults_of(verify(signed, public_keys=keys.listed))[0] == SignatureState.WRONG

    @pytest.mark.parametrize("signature", [5, [], {}, "x"], ids=str)
    def test_a_signature_of_another_form_does_not_pass(
        self, signed: Path, keys: KeyPair, signature: object
    ) -> None:
        receipt = {**receipt_for(signed), "signature": signature}
        receipt_of(signed).write_text(json.dumps(receipt))
        assert faults_of(verify(signed, public_keys=keys.listed))[0] == SignatureState.WRONG

    def test_the_form_of_the_json_does_not_matter(self, signed: Path, keys: KeyPair) -> None:
        receipt = json.loads(receipt_of(signed).read_text("utf-8"))
        receipt_of(signed).write_text(json.dumps(dict(sorted(receipt.items()))))
        assert verify(signed, public_keys=keys.listed).is_unchanged

    def test_every_field_is_signed(self, signed: Path, keys: KeyPair) -> None:
        whole = json.loads(receipt_of(signed).read_text("utf-8"))
        receipt_of(signed).write_text(json.dumps({**whole, "note": "added"}))
        assert faults_of(verify(signed, public_keys=keys.listed))[0] == SignatureState.WRONG

    def test_a_changed_file_is_reported_after_its_signature(
        self, file: Path, keys: KeyPair
    ) -> None:
        file.write_text(report(ROWS).replace("47%", "0.47"))
        found = verify(file, public_keys=keys.listed)
        signature, change = found.changes
        assert not found.matches_receipt
        assert signature.startswith("the receipt is not signed")
        assert change.startswith("a score that is not a whole percentage")

    def test_without_public_keys_a_signature_is_not_checked(
        self, signed: Path, keys: KeyPair
    ) -> None:
        change_signature(signed, value="AAAA")
        found = verify(signed)
        assert (found.is_unchanged, found.signature) == (True, SignatureState.UNCHECKED)
        (note,) = found.notes
        assert "the signature was not checked: no public key is configured" in note

    def test_of_several_receipts_of_a_renamed_file_the_signed_one_counts(
        self, signed: Path, keys: KeyPair
    ) -> None:
        for name in ("a.receipt.json", "z.receipt.json"):
            signed.with_name(name).write_text(json.dumps(receipt_for(signed)))
        renamed = signed.rename(signed.with_name("mine.csv"))
        found = verify(renamed, public_keys=keys.listed)
        assert (found.is_unchanged, found.receipt) == (True, str(receipt_of(signed)))
        assert verify(renamed).receipt.endswith("a.receipt.json")

    def test_a_long_key_id_is_cut(self, signed: Path, keys: KeyPair) -> None:
        change_signature(signed, key_id="\x1b" + "x" * 500)
        _, (change,) = faults_of(verify(signed, public_keys=keys.listed))
        assert "\x1b" not in change
        assert len(change) < 200


class TestSigner:
    def test_a_signature_is_the_last_field(self, signer: Signer, keys: KeyPair) -> None:
        signed = signer.sign({"z": 1, "a": "é"})
        assert list(signed) == ["z", "a", "signature"]
        assert list(signed["signature"]) == ["algorithm", "key_id", "value"]
        assert (signed["signature"]["algorithm"], signer.key_id) == ("Ed25519", keys.key_id)
        assert signed_form(signed) == rb'{"a":"\u00e9","z":1}'

    def test_no_key_does_not_sign(self, new_signer: NewSigner, console: RecordingConsole) -> None:
        assert new_signer({}) is None
        assert new_signer({}, EXHAUST_RECEIPT_KEY="", EXHAUST_RECEIPT_KEY_FILE="") is None
        assert console.messages == []

    def test_a_project_with_public_keys_warns_of_no_key(
        self, new_signer: NewSigner, keys: KeyPair, console: RecordingConsole
    ) -> None:
        assert new_signer(keys.listed) is None
        (message,) = console.messages
        assert message.startswith("warning: receipts are not signed")

    def test_a_key_may_be_in_a_file_or_on_one_line(
        self, new_signer: NewSigner, keys: KeyPair, tmp_path: Path
    ) -> None:
        (tmp_path / "key.pem").write_text(keys.private_pem)
        pem = keys.private_pem
        for environment in (
            {"EXHAUST_RECEIPT_KEY_FILE": str(tmp_path / "key.pem")},
            {"EXHAUST_RECEIPT_KEY": pem.replace("\n", "\\n")},
            {"EXHAUST_RECEIPT_KEY": pem.replace("\n", " ")},
            {"EXHAUST_RECEIPT_KEY": pem.splitlines()[1]},
        ):
            signer = new_signer(keys.listed, **environment)
            assert signer
            assert signer.key_id == keys.key_id

    def test_a_key_is_never_shown(self, signer: Signer, keys: KeyPair) -> None:
        assert keys.private_pem.splitlines()[1] not in repr(signer)


class TestWrongKeys:
    def test_both_variables_are_refused(self, new_signer: NewSigner, keys: KeyPair) -> None:
        with pytest.raises(UsageError, match=r"Both EXHAUST_RECEIPT_KEY and .* are set"):
            new_signer({}, EXHAUST_RECEIPT_KEY=keys.private_pem, EXHAUST_RECEIPT_KEY_FILE="key")

    @pytest.mark.parametrize("kind", ["nonsense", "rsa", "public", "password", "cut"])
    def test_what_is_no_private_key_is_refused(
        self, new_signer: NewSigner, keys: KeyPair, kind: str, tmp_path: Path
    ) -> None:
        pem = {
            "nonsense": "S3cret",
            "rsa": generate_private_key(65537, 2048)
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
            "public": keys.public_pem,
            "password": load_pem_private_key(keys.private_pem.encode(), None)
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
            .decode(),
            "cut": keys.private_pem[:60],
        }[kind]
        (tmp_path / "key").write_text(pem)
        for environment in (
            {"EXHAUST_RECEIPT_KEY": pem},
            {"EXHAUST_RECEIPT_KEY_FILE": str(tmp_path / "key")},
        ):
            with pytest.raises(UsageError, match="is not an Ed25519 private key") as refused:
                new_signer({}, **environment)
            self.check_shows_nothing(refused.value, pem)

    @pytest.mark.parametrize("kind", ["missing", "folder", "key"])
    def test_a_file_that_cannot_be_read_is_refused(
        self, new_signer: NewSigner, keys: KeyPair, tmp_path: Path, kind: str
    ) -> None:
        file = {"missing": str(tmp_path / "S3cret"), "folder": str(tmp_path)}
        path = file.get(kind, keys.private_pem)
        with pytest.raises(UsageError, match="names cannot be read: ") as refused:
            new_signer({}, EXHAUST_RECEIPT_KEY_FILE=path)
        self.check_shows_nothing(refused.value, path)

    @staticmethod
    def check_shows_nothing(error: UsageError, secret: str) -> None:
        shown = f"{error.message} {error.hint}"
        assert all(part not in shown for part in secret.split())
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None

    def test_a_key_that_is_not_listed_is_refused(
        self, new_signer: NewSigner, keys: KeyPair
    ) -> None:
        with pytest.raises(UsageError, match=f"`{keys.key_id}`, is not in the project's"):
            new_signer(KeyPair().listed, EXHAUST_RECEIPT_KEY=keys.private_pem)

    def test_a_listed_key_must_be_a_public_key(self, new_signer: NewSigner, keys: KeyPair) -> None:
        rsa = generate_private_key(65537, 2048).public_key()
        pem = rsa.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for text in (keys.private_pem, "S3cret", pem):
            with pytest.raises(UsageError, match="`k1` is not an Ed25519 public key") as refused:
                new_signer({"k1": text})
            assert text not in str(refused.value)

    def test_a_listed_key_must_have_its_own_id(self, new_signer: NewSigner, keys: KeyPair) -> None:
        with pytest.raises(UsageError, match=f"under `k1` has the ID `{keys.key_id}`"):
            new_signer({"k1": keys.public_pem})


def test_only_signing_imports_the_library() -> None:
    code = (
        "import sys, exhaust.api, exhaust.reports.export, exhaust.reports.verify, "
        "exhaust.requests.worker; sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
