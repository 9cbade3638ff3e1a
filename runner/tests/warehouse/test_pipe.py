"""DuckDB's COPY through a pipe: what comes out, and with which resources."""

import duckdb

from exhaust.warehouse.pipe import copy_lines_through_pipe, copy_through_pipe, flat_memory

TEXT = "a,\"b\" 'c' # ; | \t \\ \x01 தமிழ்"


def copied(copy: object, select: str) -> tuple[int, bytes]:
    chunks: list[bytes] = []
    with duckdb.connect() as duck:
        assert callable(copy)
        rows = copy(duck, select, chunks.append)
    return rows, b"".join(chunks)


def test_csv_is_quoted_and_lines_are_not() -> None:
    select = "select 'a,' || chr(34) || '#' as value from range(2)"
    assert copied(copy_through_pipe, select) == (2, b'"a,""#"\n"a,""#"\n')
    assert copied(copy_lines_through_pipe, select) == (2, b'a,"#\na,"#\n')


def test_lines_are_the_text_as_it_is() -> None:
    literal = "'" + TEXT.replace("'", "''") + "'"
    assert copied(copy_lines_through_pipe, f"select {literal}") == (1, f"{TEXT}\n".encode())


def test_flat_memory_is_for_a_while() -> None:
    with duckdb.connect(config={"threads": "3"}) as duck:
        threads = "select current_setting('threads')"
        with flat_memory(duck):
            assert duck.execute(threads).fetchone() == (1,)
        assert duck.execute(threads).fetchone() == (3,)
