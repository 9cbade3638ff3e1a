"""Windows, where neither the command nor the Python interface works."""

import subprocess
import sys

import pytest

from exhaust import cli


def test_the_command_says_that_windows_is_not_supported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: exhaust does not run on Windows.",
        "hint: Use the Windows Subsystem for Linux (WSL), or a Linux server.",
    ]


def test_the_python_interface_says_so_without_an_import_error() -> None:
    code = (
        "import sys, exhaust.console, exhaust.errors, exhaust.reports.layout, exhaust.system\n"
        "sys.platform = 'win32'\n"
        "sys.modules['fcntl'] = None\n"
        "try:\n    from exhaust import api\n"
        "except exhaust.errors.UsageError as error:\n    print(error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("exhaust does not run on Windows.\n", "")
