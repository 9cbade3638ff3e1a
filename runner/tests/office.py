"""LibreOffice as people use it: it opens a file, and saves it under another ending."""

import subprocess
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

TIMEOUT_SECONDS = 300

FILTERS = {
    "csv": (
        "Text - txt - csv (StarCalc)",
        # Comma, quotes, UTF-8; cells as they are shown; a file for each sheet.
        "44,34,76,1,,0,false,true,true,false,false,-1",
    ),
    "xlsx": ("Calc MS Excel 2007 XML", ""),
}
CSV_INPUT = ("Text - txt - csv (StarCalc)", "44,34,76,1,,0,false,false,false,false,false,0,true")
"""What a person chooses in the dialog: comma, quotes, UTF-8, and to evaluate formulas."""

MACRO = """
Sub Main
    Dim opening(3) As New com.sun.star.beans.PropertyValue
    opening(0).Name = "Hidden"
    opening(0).Value = True
    opening(1).Name = "Password"
    opening(1).Value = {password}
    opening(2).Name = "FilterName"
    opening(2).Value = {input_filter}
    opening(3).Name = "FilterOptions"
    opening(3).Value = {input_options}
    document = StarDesktop.loadComponentFromURL({source}, "_blank", 0, opening())
    If Not IsNull(document) Then
        Dim saving(1) As New com.sun.star.beans.PropertyValue
        saving(0).Name = "FilterName"
        saving(0).Value = {output_filter}
        saving(1).Name = "FilterOptions"
        saving(1).Value = {output_options}
        document.storeToURL({target}, saving())
        document.close(True)
    End If
    StarDesktop.terminate()
End Sub
"""

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
MODULE = (
    XML + '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Convert" '
    'script:language="StarBasic">{}</script:module>'
)
LIBRARY = (
    XML + '<library:library xmlns:library="http://openoffice.org/2000/library" '
    'library:name="Standard" library:readonly="false" library:passwordprotected="false">'
    '<library:element library:name="Convert"/></library:library>'
)
LIBRARIES = (
    XML + '<library:libraries xmlns:library="http://openoffice.org/2000/library" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"><library:library library:name="Standard" '
    'xlink:href="$(USER)/basic/Standard/script.xlb/" xlink:type="simple" library:link="false"/>'
    "</library:libraries>"
)
REGISTRY = (
    XML + '<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    '<item oor:path="/org.openoffice.Setup/Office"><prop oor:name="ooSetupInstCompleted" '
    'oor:op="fuse"><value>true</value></prop></item></oor:items>'
)
"""Otherwise the first start of a profile would replace the macros in it."""


class CannotOpen(Exception):
    """LibreOffice refuses a file, or the password for it."""


def convert(file: Path, ending: str, folder: Path, password: str | None = None) -> Path:
    """Opens a CSV file or a workbook and saves it in a folder as `csv` or `xlsx`.

    Returns the new file. Each sheet of a workbook becomes a CSV file of its own, named like
    `report-Summary.csv`; the one of the first sheet is returned. Raises CannotOpen.
    """
    folder.mkdir(exist_ok=True)
    target = folder / f"{file.stem}.{ending}"
    output_filter, output_options = FILTERS[ending]
    input_filter, input_options = CSV_INPUT if file.suffix == ".csv" else FILTERS["xlsx"]
    macro = MACRO.format(
        source=_quoted(file.absolute().as_uri()),
        target=_quoted(target.absolute().as_uri()),
        password=_quoted(password or ""),
        input_filter=_quoted(input_filter),
        input_options=_quoted(input_options),
        output_filter=_quoted(output_filter),
        output_options=_quoted(output_options),
    )
    before = set(folder.iterdir())
    with tempfile.TemporaryDirectory(prefix="exhaust-office-") as profile:
        _run(Path(profile), macro)
    made = sorted(set(folder.iterdir()) - before, key=lambda path: path.stat().st_ctime_ns)
    if not made:
        raise CannotOpen(file)
    return target if target in made else made[0]


def _run(profile: Path, macro: str) -> None:
    """Runs a macro in a new profile; every soffice with a profile of its own is independent."""
    library = profile / "user" / "basic" / "Standard"
    library.mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(REGISTRY, "utf-8")
    (library / "Convert.xba").write_text(MODULE.format(escape(macro)), "utf-8")
    (library / "script.xlb").write_text(LIBRARY, "utf-8")
    (library.parent / "script.xlc").write_text(LIBRARIES, "utf-8")
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation={profile.as_uri()}",
            "--headless",
            "--norestore",
            "macro:///Standard.Convert.Main",
        ],
        check=True,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )


def _quoted(text: str) -> str:
    """Returns a text as a literal of Basic."""
    return '"' + text.replace('"', '""') + '"'
