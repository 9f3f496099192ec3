"""Where and how `files_search` looks, and what its rows show."""

import re
from collections.abc import Sequence
from datetime import tzinfo
from urllib.parse import unquote, urlsplit

from obo_graph.errors import bad_argument
from obo_graph.shape.paging import Page, objects
from obo_graph.shape.query import kql_words
from obo_graph.shape.result import compact
from obo_graph.shape.times import read, show
from obo_graph.text import clean, one_line
from obo_graph.wire.answer import Json

_TYPE = re.compile(r"[A-Za-z0-9]{1,10}")
_HIT_MARKS = re.compile(r"</?c0>|<ddd\s*/>")
_SITE = re.compile(r"https://[A-Za-z0-9.\-]{1,253}(/[A-Za-z0-9_.~%\-]{1,128}){0,8}/?")


def checked_types(file_types: Sequence[str]) -> list[str]:
    """`file_types` as lower-case endings without dots.

    Raises:
        ToolError: one of them cannot be an ending.
    """
    endings = [ending.removeprefix(".").lower() for ending in file_types]
    if not all(_TYPE.fullmatch(ending) for ending in endings):
        raise bad_argument("file_types", "must be file endings such as docx, pdf, txt")
    return endings


def checked_site(where: str) -> str:
    """`where` as the address of a SharePoint site, "" for everywhere.

    Raises:
        ToolError: it is neither of the two words nor a site's address.
    """
    if where == "everywhere":
        return ""
    if not _SITE.fullmatch(where) or ".." in where:
        raise bad_argument("where", "must be onedrive, everywhere or the web address of a site")
    return where.rstrip("/")


def search_body(query: str, endings: list[str], site: str, skip: dict[str, str], size: int) -> Json:
    """The body of POST /search/query for driveItem (Graph, "Use the Microsoft Search API")."""
    terms = [kql_words(query)]
    if endings:
        terms.append("(" + " OR ".join(f"filetype:{ending}" for ending in endings) + ")")
    if site:
        terms.append(f'path:"{site}"')
    return {
        "requests": [
            {
                "entityTypes": ["driveItem"],
                "query": {"queryString": " ".join(term for term in terms if term)},
                "from": int(skip.get("from", "0")),
                "size": size,
            }
        ]
    }


def hits(answer: Json, skip: dict[str, str]) -> Page:
    """The hits in the answer to `search_body`, each with its `summary` put into its resource."""
    containers = [
        container
        for response in objects(answer.get("value"))
        for container in objects(response.get("hitsContainers"))
    ]
    rows = [hit for container in containers for hit in objects(container.get("hits"))]
    items = [_item(hit) for hit in rows]
    more = any(container.get("moreResultsAvailable") is True for container in containers)
    start = int(skip.get("from", "0"))
    return Page(items, {"from": str(start + len(rows))} if more and rows else None)


def _item(hit: Json) -> Json:
    resource = hit.get("resource")
    return (resource if isinstance(resource, dict) else {}) | {"summary": hit.get("summary")}


def has_type(item: Json, endings: list[str]) -> bool:
    """Whether the item's name ends in one of `endings`; any item if there are none."""
    return not endings or ending_of(item.get("name")) in endings


def ending_of(name: object) -> str:
    """`txt` for `notes.TXT`; "" for a name without a dot."""
    return name.rpartition(".")[2].lower() if isinstance(name, str) and "." in name else ""


def row(item: Json, zone: tzinfo) -> Json:
    """One driveItem as a model reads it."""
    snippet = item.get("summary")
    words = _HIT_MARKS.sub("", clean(snippet)) if isinstance(snippet, str) else ""
    return compact(
        {
            "ref": ref_of(item),
            "name": one_line(item.get("name"), 128),
            "path": _path(item),
            "type": "folder" if "folder" in item else ending_of(item.get("name"))[:10],
            "size": item.get("size"),
            "modified": show(read(item.get("lastModifiedDateTime")), zone),
            "by": author_of(item.get("lastModifiedBy")),
            "snippet": one_line(words, 200),
        }
    )


def ref_of(item: Json) -> str:
    """`driveId/itemId`, by which `files_read` finds the item; "" if Graph left one out."""
    parent = item.get("parentReference")
    drive = parent.get("driveId") if isinstance(parent, dict) else None
    return f"{drive}/{item['id']}" if drive and item.get("id") else ""


def _path(item: Json) -> str:
    parent = item.get("parentReference")
    path = parent.get("path") if isinstance(parent, dict) else None
    if isinstance(path, str):
        return one_line(unquote(path.partition("root:")[2]) or "/", 160)
    try:
        parts = urlsplit(str(item.get("webUrl") or ""))
    except ValueError:
        return ""
    return one_line(unquote(parts.path).rpartition("/")[0], 160)


def author_of(identities: object) -> str:
    """The name in a Graph identitySet; "" if nobody, or no person, is in it."""
    user = identities.get("user") if isinstance(identities, dict) else None
    return one_line(user.get("displayName"), 64) if isinstance(user, dict) else ""
