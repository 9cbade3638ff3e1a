"""`python -m oracle [--additions] EXTRACT OUTPUT_DIR`: writes the reports of an extract.

There is one file per batch, with the name of the golden file. With `--additions`, the files have
all columns that they may add. The counts of left-out enrolments are printed.
"""

import sys
from pathlib import Path

from oracle import file_name, make_reports


def main() -> None:
    arguments = [one for one in sys.argv[1:] if one != "--additions"]
    if len(arguments) != 2:
        sys.exit("Usage: python -m oracle [--additions] EXTRACT OUTPUT_DIR")
    extract, output_dir = map(Path, arguments)
    reports = make_reports(extract)
    output_dir.mkdir(parents=True, exist_ok=True)
    files = reports.files_with_additions if "--additions" in sys.argv else reports.files
    for (_, batch_id), content in files.items():
        (output_dir / file_name(batch_id)).write_bytes(content)
    for (course_id, batch_id), reasons in sorted(reports.left_out.items()):
        for reason, count in reasons.items():
            print(f"{count:6} left out: {reason} ({course_id!r}, {batch_id!r})")


main()
