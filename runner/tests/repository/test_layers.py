"""The package's rooms: imports only point down, and no module or function grows too long."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from support import PROJECT

PACKAGE = PROJECT / "runner" / "exhaust"
LAYERS = (
    {"cli"},
    {"web"},
    {"api"},
    {"info"},
    {"requests", "pipeline"},
    {"reports"},
    {"marts"},
    {"warehouse"},
    {"extract"},
    {"project"},
    {"permissions", "system"},
    {"console", "errors", "leftovers", "repeating"},
    {"text"},
)
"""Top to bottom: a room imports itself and the layers below it, never its neighbour."""

DEPTH = {room: depth for depth, rooms in enumerate(LAYERS) for room in rooms}
MODULES = sorted(file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py")
SOURCES = [*MODULES, *(PROJECT / "runner" / "tests").rglob("*.py"), *PROJECT.glob("bench/**/*.py")]
MAX_LINES = 400
MAX_FUNCTION_LINES = 60


def name_of(file: Path) -> str:
    """The module's name within the package, such as `marts.names`."""
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path) -> set[str]:
    """The modules of the package that a module imports anywhere in it."""
    names = {name_of(module) for module in MODULES}
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            package = node.module.removeprefix("exhaust").removeprefix(".")
            for alias in node.names:
                submodule = f"{package}.{alias.name}".removeprefix(".")
                found.add(submodule if submodule in names else package)
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("exhaust.") for alias in node.names}
    return found & names - {name_of(file)}


def test_every_module_is_in_a_room() -> None:
    assert {name_of(file).partition(".")[0] for file in MODULES} == set(DEPTH)


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_imports_point_down(file: Path) -> None:
    room = name_of(file).partition(".")[0]
    wrong = [
        imported
        for imported in imports(file)
        for other in [imported.partition(".")[0]]
        if other != room and DEPTH[other] <= DEPTH[room]
    ]
    assert wrong == []


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name_of(file): set(imports(file)) for file in MODULES}
    assert len([*TopologicalSorter(graph).static_order()]) == len(MODULES)


@pytest.mark.parametrize(
    ("package", "rooms"),
    [
        ("typer", {"cli"}),
        ("sqlalchemy", {"requests"}),
        ("cryptography", {"reports", "web"}),
        ("psycopg", {"warehouse"}),
    ],
)
def test_a_library_is_known_to_one_room(package: str, rooms: set[str]) -> None:
    pattern = re.compile(rf"^\s*(?:import|from) {package}\b", re.M)
    users = {name_of(file) for file in MODULES if pattern.search(file.read_text("utf-8"))}
    assert {user.partition(".")[0] for user in users} == rooms


def test_only_warehouses_ask_for_the_engine() -> None:
    """What an engine can do is an attribute of its class."""
    asks = re.compile(r"engine\W* (?:==|!=) |(?:==|!=) \w*\.engine\b|isinstance\(.*Warehouse")
    found = [name_of(file) for file in MODULES if asks.search(file.read_text("utf-8"))]
    assert [name for name in found if not name.startswith("warehouse")] == []


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_modules_and_functions_are_short(file: Path) -> None:
    text = file.read_text("utf-8")
    long = [
        f"{node.name}: {length}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        for length in [(node.end_lineno or 0) - node.lineno + 1]
        if length > MAX_FUNCTION_LINES
    ]
    assert long == []
    assert text.count("\n") <= MAX_LINES
