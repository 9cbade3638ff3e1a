"""LibreOffice, as a person uses it."""

import subprocess
from pathlib import Path

UTF_8 = "44,34,76,1,,0,false,true"
"""Commas, double quotes, UTF-8, from the first line on; values as shown."""


def convert(file: Path, ending: str, folder: Path, password: str | None = None) -> Path:
    """Opens a file in LibreOffice, saves it with another ending in a folder, and returns it."""
    del password
    written = f"csv:Text - txt - csv (StarCalc):{UTF_8}" if ending == "csv" else ending
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile"),
            *([f"--infilter=CSV:{UTF_8}"] if file.suffix == ".csv" else []),
            *("--convert-to", written, "--outdir", folder, file),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder / f"{file.stem}.{ending}"
