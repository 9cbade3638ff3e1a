"""docs/receipts.md: the commands for keys and signatures, run as people paste them."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from dbt_support import settings_in
from support import NO_MESSAGES, PROJECT

from exhaust.reports.signature import Signer, read_public_keys, read_signer

PAGE = (PROJECT / "docs" / "receipts.md").read_text("utf-8")
HAS_TOOLS = all(map(shutil.which, ("openssl", "jq")))
needs_tools = pytest.mark.skipif(not HAS_TOOLS, reason="openssl or jq is not installed")
MAKE_A_KEY = "openssl genpkey"
CHECK_BY_HAND = "openssl pkeyutl"
PUBLIC_PEM = "printf"


def block(start: str, language: str = "sh") -> str:
    """Returns the block of code that contains a text."""
    (found,) = [
        code for code in re.findall(rf"```{language}\n(.*?)```", PAGE, re.S) if start in code
    ]
    return str(found)


def run(folder: Path, *blocks: str) -> subprocess.CompletedProcess[str]:
    script = "set -e\n" + "".join(blocks)
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )


def signer_of(environment: dict[str, str], listed: dict[str, str]) -> Signer:
    settings = replace(settings_in(PROJECT, environment), receipt_public_keys=listed)
    signer = read_signer(settings, NO_MESSAGES)
    assert signer
    return signer


@needs_tools
def test_the_key_that_the_page_makes_signs_and_is_checked_by_hand(tmp_path: Path) -> None:
    listed = yaml.safe_load(run(tmp_path, block(MAKE_A_KEY)).stdout)
    signer = signer_of({"EXHAUST_RECEIPT_KEY_FILE": str(tmp_path / "receipt-key.pem")}, listed)
    assert list(listed) == [signer.key_id]

    report = tmp_path / "report.csv"
    report.write_text("a,b\n")
    odd = 'தமிழ் 🎓 é \x7f \x1f \\ / " \u2028'
    receipt = signer.sign(
        {"z": None, "Z": True, "sha256": sha256(b"a,b\n").hexdigest(), odd: [odd, -5, 2**40, {}]}
    )
    file = tmp_path / "report.csv.receipt.json"
    file.write_text(json.dumps(receipt, indent=2, ensure_ascii=False), "utf-8")
    (key,) = listed.values()
    public = f"key='{key}'\n{block(PUBLIC_PEM)}"
    done = run(tmp_path, public, block(CHECK_BY_HAND))
    assert done.stdout == block("Signature", "text"), done.stderr

    report.write_text("a,c\n")
    assert "The file fits." not in run(tmp_path, public, block(CHECK_BY_HAND)).stdout
    file.write_text(json.dumps({**receipt, "z": 1}), "utf-8")
    assert "Successfully" not in run(tmp_path, public, block(CHECK_BY_HAND)).stdout


def test_the_public_key_of_the_page_has_its_id() -> None:
    listed = yaml.safe_load(block("receipt_public_keys", "yaml"))["vars"]["receipt_public_keys"]
    assert list(read_public_keys(listed)) == list(listed)


def test_the_page_names_a_kind_of_file() -> None:
    from exhaust.reports.file_kind import ZIPPED

    assert f"the file is {ZIPPED['content.xml'].name}" in PAGE
