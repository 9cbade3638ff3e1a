"""The learners: who they are and where they are."""

from collections import defaultdict
from collections.abc import Sequence

from oracle.extract import Key, Row, Tables
from oracle.values import MILLION, Json, Number, as_list, as_object, is_true, number, parsed, plain


class Learners:
    """The report columns from State to Declared Board for each learner."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._locations = tables["location"]
        self._custodian = tables["system_settings"].get(("custodianOrgId",), {}).get("value")
        self._by_code: dict[str, list[str]] = defaultdict(list)
        for (location_id,), location in sorted(tables["location"].items()):
            self._by_code[location.get("code") or ""].append(location_id)
        self._schools: dict[str, Row] = {}
        for (user_id, organisation_id), member in sorted(tables["user_organisation"].items()):
            organisation = tables["organisation"].get((organisation_id,), {})
            is_school = number(organisation.get("organisationtype")) == 2 * MILLION
            if is_school and not is_true(member.get("isdeleted")):
                self._schools.setdefault(user_id, organisation)
        self._declared: dict[str, dict[str, Json]] = {}
        for key, row in sorted(tables["user_declarations"].items(), key=_declaration_rank):
            self._declared.setdefault(key[0], as_object(parsed(row.get("userinfo"))))

    def profile(self, user_id: str) -> list[str | None]:
        user = self._tables["user"].get((user_id,))
        if user is None:
            return [None] * 10
        root = user.get("rootorgid") or ""
        organisation = self._tables["organisation"].get((root,), {})
        types = as_list(parsed(user.get("profileusertypes")))
        boards = as_list(as_object(parsed(user.get("framework"))).get("board"))
        profile_location = self._entries(user.get("profilelocation"))
        if root and root == self._custodian:
            declared = self._declared.get(user_id, {})
            school_id = plain(declared.get("declared-school-udise-code"))
            school_name = plain(declared.get("declared-school-name"))
            state, district, cluster = (
                self._name(self._among(profile_location, t))
                for t in ("state", "district", "cluster")
            )
            block = None
        else:
            school = self._schools.get(user_id, {})
            school_id, school_name = school.get("externalid"), school.get("orgname")
            school_location = self._entries(school.get("orglocation"))
            state, district, cluster = (
                # A location without a name does not count: the school's is used instead.
                self._name(self._among(profile_location, t))
                or self._name(self._derived(school_location, t))
                for t in ("state", "district", "cluster")
            )
            block = self._name(self._derived(school_location, "block")) or self._name(
                self._among(profile_location, "block")
            )
        return [
            state,
            district,
            organisation.get("orgname"),
            school_id,
            school_name,
            block,
            cluster,
            _distinct(types, "type"),
            _distinct(types, "subType"),
            _first_text(boards),
        ]

    def _entries(self, text: str | None) -> list[str]:
        """Returns the IDs of the known locations in a list such as `profilelocation`, in order."""
        found = []
        for entry in as_list(parsed(text)):
            location_id = self._location(entry) if isinstance(entry, dict) else None
            if location_id:
                found.append(location_id)
        return found

    def _location(self, entry: dict[str, Json]) -> str | None:
        location_id, code = plain(entry.get("id")), plain(entry.get("code"))
        if location_id:
            return location_id if (location_id,) in self._locations else None
        same_code = self._by_code[code] if code else []
        wanted = (plain(entry.get("type")) or "").lower()
        same_type = [found for found in same_code if wanted and self._type(found) == wanted]
        return next(iter(same_type + same_code), None)

    def _type(self, location_id: str) -> str:
        return (self._locations[location_id,].get("type") or "").lower()

    def _name(self, location_id: str | None) -> str | None:
        return self._locations[location_id,].get("name") if location_id else None

    def _among(self, entries: Sequence[str], location_type: str) -> str | None:
        return next((entry for entry in entries if self._type(entry) == location_type), None)

    def _derived(self, entries: Sequence[str], location_type: str) -> str | None:
        """Returns the entry of a type, else its nearest ancestor in the first entry with one."""
        ancestries = (self._ancestors(entry) for entry in entries)
        candidates = (self._among(ancestors, location_type) for ancestors in ancestries)
        return self._among(entries, location_type) or next(filter(None, candidates), None)

    def _ancestors(self, location_id: str) -> list[str]:
        ancestors = [location_id]
        while True:
            parent = self._locations[ancestors[-1],].get("parentid") or ""
            if parent in ancestors or (parent,) not in self._locations:
                return ancestors[1:]
            ancestors.append(parent)


def _declaration_rank(declaration: tuple[Key, Row]) -> tuple[bool, str, str]:
    (_, organisation_id, persona), row = declaration
    return row.get("status") != "VALIDATED", persona, organisation_id


def _first_text(values: Sequence[Json]) -> str | None:
    first = values[0] if values else None
    return first if isinstance(first, str) and not isinstance(first, Number) else None


def _distinct(entries: Sequence[Json], name: str) -> str:
    values = (plain(entry.get(name)) for entry in entries if isinstance(entry, dict))
    return ",".join(dict.fromkeys(filter(None, values)))
