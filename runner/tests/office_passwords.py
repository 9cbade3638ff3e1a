"""LibreOffice, opening a workbook with a password, which its command line cannot do."""

import subprocess
from pathlib import Path

LIBRARIES = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:libraries PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "libraries.dtd">
<library:libraries xmlns:library="http://openoffice.org/2000/library"
    xmlns:xlink="http://www.w3.org/1999/xlink">
 <library:library library:name="Standard" xlink:href="$(USER)/basic/Standard/{kind}.xlb/"
    xlink:type="simple" library:link="false"/>
</library:libraries>
"""
LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard"
    library:readonly="false" library:passwordprotected="false">{element}</library:library>
"""
MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1"
    script:language="StarBasic">
Sub Convert(source, target, word)
  On Error GoTo Failed
  Dim how(1) As New com.sun.star.beans.PropertyValue
  how(0).Name = &quot;Hidden&quot;
  how(0).Value = True
  how(1).Name = &quot;Password&quot;
  how(1).Value = word
  document = StarDesktop.loadComponentFromURL(source, &quot;_blank&quot;, 0, how())
  Dim written(1) As New com.sun.star.beans.PropertyValue
  written(0).Name = &quot;FilterName&quot;
  written(0).Value = &quot;Text - txt - csv (StarCalc)&quot;
  written(1).Name = &quot;FilterOptions&quot;
  written(1).Value = &quot;44,34,76,1,,0,false,true&quot;
  document.storeToURL(target, written())
  document.close(True)
Failed:
  StarDesktop.terminate()
End Sub
</script:module>
"""


def opened_by_office(file: Path, password: str, folder: Path) -> str | None:
    """Returns the first sheet of a workbook as CSV; None if LibreOffice does not open it."""
    profile = folder / "profile"
    basic = profile / "user" / "basic"
    if not basic.exists():
        # The first start replaces the macros of its profile.
        _run(profile, "--terminate_after_init")
        _add_macro(basic)
    target = folder / "opened.csv"
    target.unlink(missing_ok=True)
    arguments = ",".join(f'"{one}"' for one in (file.as_uri(), target.as_uri(), password))
    _run(profile, f"macro:///Standard.Module1.Convert({arguments})")
    return target.read_text("utf-8") if target.exists() else None


def _add_macro(basic: Path) -> None:
    library = basic / "Standard"
    library.mkdir(parents=True, exist_ok=True)
    of_library = {"script": '<library:element library:name="Module1"/>', "dialog": ""}
    for kind, element in of_library.items():
        (basic / f"{kind}.xlc").write_text(LIBRARIES.format(kind=kind))
        (library / f"{kind}.xlb").write_text(LIBRARY.format(element=element))
    (library / "Module1.xba").write_text(MODULE)


def _run(profile: Path, argument: str) -> None:
    subprocess.run(
        ["soffice", "--headless", f"-env:UserInstallation={profile.as_uri()}", argument],
        check=True,
        capture_output=True,
        timeout=120,
    )
