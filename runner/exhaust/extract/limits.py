"""How large the parts of an extract may be: what is larger is damaged, or meant to do harm."""

MAX_RECORD = 64 << 20
"""Bytes of a line, or of a field. A course's hierarchy is one field."""
MAX_COLUMNS = 2_000
"""Columns of a file, or keys of one line's object."""
MAX_ENTRIES = 100_000
"""Entries of a collection inside a field."""
MAX_HEADER = 1 << 20
"""Bytes of a CSV file's first line."""
MAX_BLANK_LINES = 1_000_000
"""Blank lines of CSV that follow each other."""
MAX_BLANK = 1 << 20
"""Bytes of blank lines of JSON that follow each other."""
MAX_NAME = 63
"""Bytes of a column's name. Postgres would cut a longer one, and might then have two alike."""
MAX_JSON_ENTRIES = 4_000_000
"""Commas and opening brackets of one row in JSON: each may take 16 bytes of memory."""
