"""Values as Cassandra's Python driver returns them to cqlsh and to a backup."""

from typing import Any

from cassandra.cqltypes import UTF8Type
from cassandra.util import OrderedMapSerializedKey

from writers.tables import Value

PROTOCOL = 5


def driver_value(value: Value) -> Any:
    """Returns a value as the driver reads it: a map is an OrderedMapSerializedKey.

    An empty collection in a column is null; inside a frozen collection it is a value.
    """
    if isinstance(value, dict | list) and not value:
        return None
    return _nested(value)


def _nested(value: Value) -> Any:
    if isinstance(value, dict):
        pairs = OrderedMapSerializedKey(UTF8Type, PROTOCOL)
        for key, inner in value.items():
            pairs._insert(key, _nested(inner))
        return pairs
    if isinstance(value, tuple):
        return type(value)(*map(_nested, value))
    if isinstance(value, list):
        return [_nested(inner) for inner in value]
    return value
