"""The courses of an extract and the contents of their hierarchies."""

from collections.abc import Iterator
from dataclasses import dataclass

from oracle.extract import Tables
from oracle.values import Json, as_list, as_object, number, parsed, plain

COLLECTION = "application/vnd.ekstep.content-collection"


@dataclass(frozen=True)
class Course:
    name: str | None
    status: str | None
    has_leaves: bool
    mandatory: set[str]
    leaf_nodes_count: int
    """In millionths."""
    assessments: list[str]


def read_courses(tables: Tables) -> Iterator[tuple[str, Course]]:
    for (identifier,), row in tables["content_hierarchy"].items():
        root = parsed(row.get("hierarchy"))
        if isinstance(root, dict) and not identifier.endswith(".img"):
            yield identifier, _course(root)


def _course(root: dict[str, Json]) -> Course:
    leaves: set[str] = set()
    optional: set[str] = set()
    assessments: dict[str, None] = {}
    to_visit = [(child, False) for child in reversed(as_list(root.get("children")))]
    while to_visit:
        node, below_optional = to_visit.pop()
        if not isinstance(node, dict):
            continue
        is_optional = below_optional or _is_optional(node)
        identifier = plain(node.get("identifier"))
        if node.get("mimeType") == COLLECTION:
            to_visit += [(child, is_optional) for child in reversed(as_list(node.get("children")))]
        elif identifier:
            leaves.add(identifier)
            if is_optional:
                optional.add(identifier)
        if identifier and _is_assessment(node):
            assessments[identifier] = None
    return Course(
        plain(root.get("name")),
        plain(root.get("status")),
        bool(leaves),
        leaves - optional,
        number(plain(root.get("leafNodesCount"))) or 0,
        list(assessments),
    )


def _is_optional(node: dict[str, Json]) -> bool:
    optional = as_object(node.get("relationalMetadata")).get("optional")
    return optional is True or (isinstance(optional, str) and optional.lower() == "true")


def _is_assessment(node: dict[str, Json]) -> bool:
    return node.get("contentType") == "SelfAssess" or (
        node.get("objectType") == "QuestionSet"
        and node.get("primaryCategory") == "Practice Question Set"
    )
