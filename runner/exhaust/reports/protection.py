"""Passwords of report files: Excel's own encryption, or a zip with AES-256.

Neither library writes temporary files: what is in clear is only in the files that the caller names.
"""

import shutil
import tempfile
from pathlib import Path
from typing import IO, BinaryIO

from exhaust.errors import DataError, PasswordNeeded, UsageError, WrongPassword
from exhaust.reports.formats import Format
from exhaust.text import Message, visible

MAX_EXCEL_BYTES = 200_000_000
"""Above this size a spreadsheet goes into a zip: Excel's encryption works in memory, and takes
three times the size of the file."""
MIN_CHARACTERS = 6
MAX_CHARACTERS = 255
"""What Excel takes."""
ZIP = ".zip"
OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
"""How a spreadsheet begins that Excel has encrypted; a plain one is a zip."""
ZIP_MAGIC = b"PK\x03\x04"
FLAGS = 6
"""Where a zip has the flags of its first file. The first bit says whether it has a password."""


def check_password(password: str) -> None:
    """Raises UsageError for a password that is too short or too long for a report, or cannot be
    typed in one line."""
    length = len(password)
    if not password:
        raise UsageError(
            Message("The password is empty."),
            Message("Give at least {least} characters.", least=MIN_CHARACTERS),
        )
    if length < MIN_CHARACTERS:
        raise UsageError(
            Message(
                "The password is too short: it needs at least {least} characters.",
                least=MIN_CHARACTERS,
            ),
            Message("Several words are easier to remember, and harder to guess."),
        )
    # Excel counts in UTF-16.
    if len(password.encode("utf-16-le", "surrogatepass")) > 2 * MAX_CHARACTERS:
        raise UsageError(
            Message(
                "The password is too long: Excel takes at most {most} characters.",
                most=MAX_CHARACTERS,
            ),
            Message("Give a shorter one."),
        )
    if any(character in password for character in "\0\r\n"):
        raise UsageError(
            Message("The password has a line break or a null character."),
            Message("Give one that can be typed in one line."),
        )


def protect(plain: Path, format: Format, password: str, file: BinaryIO) -> str:
    """Writes a report to `file` so that it opens only with the password.

    Returns what the name of the file gets after it: nothing for a spreadsheet, and `.zip` for a
    CSV and for a spreadsheet above MAX_EXCEL_BYTES. In the zip, the report has the name of
    `plain`. Raises UsageError for a password that `check_password` refuses.
    """
    check_password(password)
    if format is Format.XLSX and plain.stat().st_size <= MAX_EXCEL_BYTES:
        from msoffcrypto.format.ooxml import OOXMLFile

        with plain.open("rb") as report:
            OOXMLFile(report).encrypt(password, file)
        return ""

    import pyzipper

    is_compressed = format is Format.XLSX
    with pyzipper.AESZipFile(
        file,
        "w",
        compression=pyzipper.ZIP_STORED if is_compressed else pyzipper.ZIP_DEFLATED,
        encryption=pyzipper.WZ_AES,
    ) as archive:
        archive.setpassword(password.encode())
        archive.write(plain, plain.name)
    return ZIP


def opened(file: Path, password: str | None, scratch: Path) -> Path:
    """Returns a report file that can be read: the file itself if it has no password.

    What a password opens becomes a new file in `scratch`, readable by its owner only. Raises
    PasswordNeeded, WrongPassword, and DataError for a file that is damaged or not one of ours.
    """
    with file.open("rb") as report:
        start = report.read(len(OLE_MAGIC))
    if start == OLE_MAGIC:
        return _opened_spreadsheet(file, password, scratch)
    if start.startswith(ZIP_MAGIC) and start[FLAGS:] and start[FLAGS] & 1:
        return _opened_zip(file, password, scratch)
    return file


def _opened_spreadsheet(file: Path, password: str | None, scratch: Path) -> Path:
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError
    from msoffcrypto.format.ooxml import OOXMLFile

    try:
        with file.open("rb") as report:
            spreadsheet = OOXMLFile(report)
            key = _needed(password, file)
            try:
                spreadsheet.load_key(key, verify_password=True)
            except InvalidKeyError:
                raise WrongPassword(file) from None
            with _new_file(scratch, ".xlsx") as plain:
                spreadsheet.decrypt(plain, verify_integrity=True)
                return Path(plain.name)
    except FileFormatError:
        return file  # A spreadsheet of an Excel before 2007, or another file in its container.
    except (DecryptionError, InvalidKeyError, OSError, ValueError, LookupError) as error:
        raise _damaged(file) from error


def _opened_zip(file: Path, password: str | None, scratch: Path) -> Path:
    import zlib

    import pyzipper

    try:
        with pyzipper.AESZipFile(file) as archive:
            (member,) = archive.infolist()
            archive.setpassword(_needed(password, file).encode())
            try:
                report = archive.open(member)
            except RuntimeError:
                raise WrongPassword(file) from None
            # The name of the member is anybody's: only its ending is taken, if we know it.
            ending = Path(member.filename).suffix
            ending = ending if ending in {one.ending for one in Format} else ""
            with report, _new_file(scratch, ending) as plain:
                shutil.copyfileobj(report, plain)
                return Path(plain.name)
    except (pyzipper.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError) as error:
        raise _damaged(file) from error


def _needed(password: str | None, file: Path) -> str:
    if not password:
        raise PasswordNeeded(file)
    return password


def _new_file(scratch: Path, ending: str) -> IO[bytes]:
    """Opens a new file that only its owner may read."""
    return tempfile.NamedTemporaryFile(dir=scratch, suffix=ending, delete=False)


def _damaged(file: Path) -> DataError:
    return DataError(
        Message(
            "{file} cannot be opened with this password: the file is damaged, or the password is "
            "wrong.",
            file=visible(file),
        ),
        Message("Get the file again, and check the password."),
    )
