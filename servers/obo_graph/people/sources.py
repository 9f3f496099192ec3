"""Where people are looked for, and how each source is asked.

Graph, "List people" (by relevance), "List users" with `$search`, "List contacts".
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from obo_graph.errors import bad_argument
from obo_graph.shape.paging import objects, page_of
from obo_graph.shape.query import odata_text, search_option
from obo_graph.shape.result import compact
from obo_graph.text import clean, one_line
from obo_graph.wire.answer import Json
from obo_graph.wire.graph import IMMUTABLE_IDS, PersonalGraph

_UNSEARCHABLE = re.compile(r'["\u201c-\u201f\uff02\\\x00-\x1f()<>,;]')
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_MOST_ADDRESSES = 3
_MOST_PAGES = 3

_RELEVANT = {"$select": "displayName,scoredEmailAddresses,userPrincipalName,jobTitle,department"}
_DIRECTORY = {"$select": "displayName,mail,userPrincipalName,jobTitle,department", "$count": "true"}
_CONTACTS = {"$select": "displayName,emailAddresses,jobTitle,department"}
_EVENTUAL = {"ConsistencyLevel": "eventual"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place to look for people: `scope` is the permission it needs, `label` its name."""

    name: str
    label: str
    scope: str
    ask: Callable[[PersonalGraph, str, int], Awaitable[list[Json]]]


def searchable(query: str) -> str:
    """`query` as plain words, without what has a meaning in a search.

    Raises:
        ToolError: nothing is left.
    """
    words = " ".join(_UNSEARCHABLE.sub(" ", clean(query)).split())
    if not any(character.isalnum() for character in words):
        raise bad_argument("query", "holds no name or address to look for")
    return words


async def _relevant(graph: PersonalGraph, words: str, limit: int) -> list[Json]:
    query = _RELEVANT | {"$search": search_option(words), "$top": str(limit)}
    found = await _first_page(graph, "/me/people", query)
    return [row for one in found for row in _rows(one, _scored(one))]


async def _directory(graph: PersonalGraph, words: str, limit: int) -> list[Json]:
    terms = (search_option(f"{name}:{words}") for name in ("displayName", "mail"))
    query = _DIRECTORY | {"$search": " OR ".join(terms), "$top": str(limit)}
    found = await _first_page(graph, "/users", query, headers=_EVENTUAL)
    return [
        row
        for one in found
        for row in _rows(one, [one.get("mail") or one.get("userPrincipalName")])
    ]


async def _contacts(graph: PersonalGraph, words: str, limit: int) -> list[Json]:
    text = odata_text(words)
    if _ADDRESS.fullmatch(words):
        wanted = f"emailAddresses/any(a:a/address eq {text})"
    else:
        wanted = f"startswith(displayName,{text})"
    query = _CONTACTS | {"$filter": wanted, "$top": str(limit)}
    found = await _first_page(graph, "/me/contacts", query, prefer=(IMMUTABLE_IDS,))
    return [
        row
        for one in found
        for row in _rows(one, [part.get("address") for part in objects(one.get("emailAddresses"))])
    ]


async def _first_page(
    graph: PersonalGraph, path: str, query: Mapping[str, str], **options: Any
) -> list[Json]:
    """The rows of the first page that has any: Graph's may be empty and yet have a next one."""
    skip: dict[str, str] | None = {}
    rows: list[Json] = []
    for _ in range(_MOST_PAGES):
        if rows or skip is None:
            break
        answer = await graph.get(path, {**query, **skip}, **options)
        page = page_of(answer, graph.transport.origin)
        rows, skip = page.rows, page.following
    return rows


SOURCES = MappingProxyType(
    {
        source.name: source
        for source in (
            Source(
                name="relevant",
                label="the people they work with",
                scope="People.Read",
                ask=_relevant,
            ),
            Source(
                name="directory",
                label="the directory",
                scope="User.ReadBasic.All",
                ask=_directory,
            ),
            Source(name="contacts", label="contacts", scope="Contacts.Read", ask=_contacts),
        )
    }
)
"""All sources by name, in the order in which their rows come."""


def _scored(person: Json) -> list[object]:
    scored = [part.get("address") for part in objects(person.get("scoredEmailAddresses"))]
    return scored or [person.get("userPrincipalName")]


def _rows(person: Json, addresses: list[object]) -> list[Json]:
    """One row for each address: each of them would be another recipient."""
    shown = {
        "name": one_line(person.get("displayName"), 96),
        "title": one_line(person.get("jobTitle"), 64),
        "department": one_line(person.get("department"), 64),
    }
    found = [one_line(address, 128) for address in addresses[:_MOST_ADDRESSES]]
    with_at = [address for address in found if "@" in address] or [""]
    return [compact({"name": shown["name"], "address": at, **shown}) for at in with_at]
