"""How large the parts of an extract may be. Anything larger is damaged or malicious."""

MAX_RECORD_BYTES = 64 << 20
"""Length of a line or of a field. A whole course hierarchy is one field."""
MAX_COLUMNS = 2_000
"""Columns of a file, or keys of the JSON object in one line."""
MAX_ENTRIES = 100_000
"""Entries of a collection in one field."""
MAX_HEADER_BYTES = 1 << 20
"""Length of the first line of a CSV file."""
MAX_BLANK_LINES = 1_000_000
"""Consecutive blank lines in CSV."""
MAX_BLANK_BYTES = 1 << 20
"""Consecutive whitespace that spans lines in JSON."""
MAX_NAME_BYTES = 63
"""Length of a column name. Postgres truncates longer names, which could make two of them equal."""
MAX_JSON_ENTRIES = 4_000_000
"""Commas and opening brackets in one JSON row. Each may take 16 bytes of memory."""
