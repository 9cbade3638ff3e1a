"""Signed receipts, from the variables and the environment to what the command says."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cli_support import BATCH, COURSE, MENTOR, call
from key_pair import KeyPair

from exhaust import api
from exhaust.project import settings

pytestmark = pytest.mark.not_on_spark

EXPORT = ("export", COURSE, "-b", BATCH, "-q", "-o", "one.csv")


@pytest.fixture
def keys(sample_with_results: Path, monkeypatch: pytest.MonkeyPatch) -> KeyPair:
    """Lists a public key in the project, and changes to an empty folder."""
    keys = KeyPair()
    list_keys(sample_with_results, keys.listed)
    return keys


def list_keys(here: Path, listed: dict[str, str]) -> None:
    file = here.parent / "project" / "dbt_project.yml"
    before, _, after = file.read_text("utf-8").partition("  receipt_public_keys: ")
    rest = after.partition("\n")[2]
    file.write_text(f"{before}  receipt_public_keys: {json.dumps(listed)}\n{rest}", "utf-8")


Shown = Callable[[], str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    return lambda: capsys.readouterr().err


def test_a_signed_report_passes(
    keys: KeyPair, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXHAUST_RECEIPT_KEY", keys.private_pem)
    assert call(*EXPORT, "--as", MENTOR) == 0
    assert call("verify", "one.csv") == 0
    assert shown() == (
        f"Its receipt is signed with the key `{keys.key_id}` of this project.\n"
        "one.csv is unchanged: 11 rows.\n"
    )


def test_a_program_gives_the_project_or_its_folder(
    keys: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXHAUST_RECEIPT_KEY", keys.private_pem)
    assert call(*EXPORT) == 0
    project = api.open_project()
    monkeypatch.delenv("EXHAUST_PROJECT_DIR")
    for given in (project, project.project_dir, str(project.project_dir)):
        assert api.verify("one.csv", project=given).signature == "valid"
    unlisted = replace(project, receipt_public_keys={})
    assert api.verify("one.csv", project=unlisted).signature == "unchecked"


def test_a_forged_pair_does_not_pass(
    keys: KeyPair,
    shown: Shown,
    monkeypatch: pytest.MonkeyPatch,
    sample_with_results: Path,
) -> None:
    monkeypatch.setenv("EXHAUST_RECEIPT_KEY", keys.private_pem)
    assert call(*EXPORT) == 0
    receipt = sample_with_results / "one.csv.receipt.json"
    signed = receipt.read_text("utf-8")
    receipt.write_text(signed.replace('"requester": null', '"requester": "somebody"'), "utf-8")
    assert call("verify", "one.csv") == 7
    assert shown() == (
        "error: The receipt one.csv.receipt.json of one.csv cannot be trusted:\n"
        "  the signature does not fit: the receipt was changed after it was signed\n"
        "hint: Get the file and its receipt again from where they were exported.\n"
    )


def test_an_unsigned_report_does_not_pass(keys: KeyPair, shown: Shown) -> None:
    assert call(*EXPORT[:-3], "-o", "one.csv") == 0
    assert shown().startswith("warning: receipts are not signed")
    assert call("verify", "one.csv", "--json") == 7
    assert "the receipt is not signed, but the project demands it" in shown()


@pytest.mark.parametrize("command", [EXPORT, (*EXPORT, "--as", MENTOR), ("process",)], ids=len)
def test_a_key_that_cannot_sign_is_wrong_usage(
    keys: KeyPair,
    command: tuple[str, ...],
    shown: Shown,
    sample_with_results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for key in ("S3cret", KeyPair().private_pem):
        monkeypatch.setenv("EXHAUST_RECEIPT_KEY", key)
        assert call(*command) == 2
        assert not any(line in shown() for line in key.splitlines())
    assert list(sample_with_results.iterdir()) == []


def test_outside_of_a_project_a_signature_is_not_checked(
    keys: KeyPair,
    shown: Shown,
    sample_with_results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXHAUST_RECEIPT_KEY", keys.private_pem)
    assert call(*EXPORT) == 0
    monkeypatch.delenv("EXHAUST_PROJECT_DIR")
    monkeypatch.setattr(settings, "__file__", str(sample_with_results / "settings.py"))
    assert call("verify", "one.csv") == 0
    assert "the signature was not checked: no public key is configured" in shown()


def test_verify_needs_no_profile(
    keys: KeyPair, sample_with_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(*EXPORT) == 0
    (sample_with_results.parent / "profiles.yml").write_text("{{ nonsense")
    assert call("verify", "one.csv") == 7
    list_keys(sample_with_results, {})
    assert call("verify", "one.csv") == 0


def test_a_renamed_file_is_verified_with_its_receipt(
    keys: KeyPair, shown: Shown, sample_with_results: Path
) -> None:
    list_keys(sample_with_results, {})
    assert call(*EXPORT) == 0
    (sample_with_results / "one.csv").rename("mine.csv")
    for receipt in ((), ("--receipt", "one.csv.receipt.json")):
        assert call("verify", "mine.csv", *receipt) == 0
        assert shown() == (
            "The file was renamed: it was `one.csv`.\nmine.csv is unchanged: 11 rows.\n"
        )
    (sample_with_results / "one.csv.receipt.json").unlink()
    assert call("verify", "mine.csv") == 3
    assert "hint: If the file was renamed, give its receipt with --receipt." in shown()


def test_a_file_that_is_no_report_is_named(
    keys: KeyPair, shown: Shown, sample_with_results: Path
) -> None:
    list_keys(sample_with_results, {})
    assert call(*EXPORT) == 0
    with zipfile.ZipFile("one.csv", "w") as archive:
        archive.writestr("content.xml", "")
    assert call("verify", "one.csv") == 7
    assert shown().splitlines()[1:] == [
        "  the file is an OpenDocument file (.ods), as LibreOffice saves it",
        "hint: Use the file as it was exported, or save it as .xlsx; export it again if it is "
        "lost.",
    ]
