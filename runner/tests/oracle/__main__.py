"""`python -m oracle EXTRACT OUTPUT_DIR`: writes the reports of an extract, one file per batch.

The files have the names of the golden files. The counts of left-out enrolments are printed.
"""

import sys
from pathlib import Path

from oracle import file_name, make_reports


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("Usage: python -m oracle EXTRACT OUTPUT_DIR")
    extract, output_dir = map(Path, sys.argv[1:])
    reports = make_reports(extract)
    output_dir.mkdir(parents=True, exist_ok=True)
    for (_, batch_id), content in reports.files.items():
        (output_dir / file_name(batch_id)).write_bytes(content)
    for (course_id, batch_id), reasons in sorted(reports.left_out.items()):
        for reason, count in reasons.items():
            print(f"{count:6} left out: {reason} ({course_id!r}, {batch_id!r})")


main()
