"""`/me`, `/users` and `/users/{id}`.

Sources: Graph "user" resource type, "List users", "Advanced query capabilities on directory
objects" ($search needs `ConsistencyLevel: eventual`), "Use the $search query parameter".
"""

import re
from collections.abc import Callable

from starlette.responses import Response

from obo_tenant.graph.errors import GraphError, denied, no_such_user
from obo_tenant.graph.odata.filters import parse_filter
from obo_tenant.graph.odata.order import in_order, parse_order
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.store import Profile
from obo_tenant.graph.users import (
    DEFAULT_PROPERTIES,
    USER_FIELDS,
    everybody,
    user_json,
    user_named,
)
from obo_tenant.graph.visit import Operation, Visit, operations

_OTHERS = (
    "User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All",
    "Directory.ReadWrite.All",
)  # fmt: skip
_WHOLE = _OTHERS[1:]
_CLAUSE = re.compile(r'"(?P<name>[A-Za-z]+):(?P<text>(?:[^"\\]|\\.)*)"')
_JOINT = re.compile(r"\s+(AND|OR)\s+")
_SEARCHED = frozenset({"displayname", "mail", "userprincipalname", "givenname", "surname"})

Predicate = Callable[[Profile], bool]


def get_user(visit: Visit) -> Response:
    """Oneself, or somebody of the same company; a few properties unless more are selected."""
    own = visit.owner.profile
    check_names(visit.options.select, user_json(own), "user")
    if visit.person is None:
        full = user_json(own)
    else:
        found = user_named(visit.person, own.company)
        if found is None:
            raise no_such_user("directory", visit.person)
        if not visit.may(*_OTHERS):
            raise denied("directory")
        full = user_json(found, basic=not visit.may(*_WHOLE))
    names = visit.options.select or DEFAULT_PROPERTIES
    return visit.one(visit.context("users/$entity"), show(full, names))


def list_users(visit: Visit) -> Response:
    """The directory, filtered or searched."""
    options = visit.options
    check_names(options.select, user_json(visit.owner.profile), "user")
    found = list(everybody(visit.owner.profile.company))
    if options.filter is not None:
        found = list(filter(parse_filter(options.filter, USER_FIELDS).matches, found))
    if options.search is not None:
        found = list(filter(_search(visit, options.search), found))
    if options.order_by is not None:
        found = in_order(found, parse_order(options.order_by, USER_FIELDS))
    size = page_size(options, default=100, maximum=999, preferred=None)
    page = cut(found, options, size=size, by="$skiptoken")
    basic, names = not visit.may(*_WHOLE), options.select or DEFAULT_PROPERTIES
    shown = [show(user_json(each, basic=basic), names) for each in page.items]
    total = len(found) if options.count and _eventual(visit) else None
    return visit.many(visit.context("users"), page, shown, total)


def _eventual(visit: Visit) -> bool:
    return visit.headers.get("consistencylevel", "").casefold() == "eventual"


def _search(visit: Visit, text: str) -> Predicate:
    """The search as a predicate; AND binds as tightly as OR, from left to right."""
    if not _eventual(visit):
        raise GraphError(
            400,
            "Request_UnsupportedQuery",
            "Request with $search query parameter only works through MSGraph with a special "
            "request header: 'ConsistencyLevel: eventual'",
        )
    result, at = _clause(text, 0)
    while at < len(text.rstrip()):
        joint = _JOINT.match(text, at)
        if joint is None:
            raise _syntax(text, at)
        result, at = _joined(result, joint[1], _clause(text, joint.end()))
    return result


def _joined(left: Predicate, word: str, clause: tuple[Predicate, int]) -> tuple[Predicate, int]:
    right, end = clause
    if word == "AND":
        return lambda person: left(person) and right(person), end
    return lambda person: left(person) or right(person), end


def _clause(text: str, at: int) -> tuple[Predicate, int]:
    found = _CLAUSE.match(text, at)
    if found is None:
        raise _syntax(text, at)
    name = found["name"].casefold()
    field = USER_FIELDS.get(name)
    if name not in _SEARCHED or field is None:
        raise GraphError(
            400,
            "Request_UnsupportedQuery",
            f"Property '{found['name']}' is not supported in a $search clause.",
        )
    words = re.sub(r"\\(.)", r"\1", found["text"]).casefold().split()
    in_words = name in {"displayname", "givenname", "surname"}

    def matches(person: Profile) -> bool:
        value = str(field.read(person) or "").casefold()
        tokens = re.findall(r"\w+", value) if in_words else [value]
        return bool(words) and all(any(t.startswith(word) for t in tokens) for word in words)

    return matches, found.end()


def _syntax(text: str, at: int) -> GraphError:
    shown = text[at : at + 1] or "end"
    return GraphError(
        400,
        "Request_BadRequest",
        f"Syntax error: character '{shown}' is not valid at position {at} in '{text}'.",
    )


OPERATIONS = (
    Operation(
        pattern=("me",),
        scopes=frozenset(("User.Read", "User.ReadWrite", *_OTHERS)),
        area="directory",
        answer=get_user,
        for_others=True,
    ),
    *operations("directory", " ".join(_OTHERS), ("", list_users), below="users"),
)
