"""`POST /search/query`, with the nested answer of the real one.

Source: Graph "search: query", "searchResponse", "searchHitsContainer", "searchHit".
"""

import re
from dataclasses import dataclass

from starlette.responses import Response

from obo_tenant.graph.chats import Chats
from obo_tenant.graph.drive_routes import DriveRoutes
from obo_tenant.graph.search_hits import Finder, Hit
from obo_tenant.graph.search_request import read_question
from obo_tenant.graph.visit import Operation, Visit, json_response, operations

_SNIPPET = 200


def search_operations(drives: DriveRoutes, chats: Chats | None = None) -> tuple[Operation, ...]:
    """The one path; scopes depend on the entity type and are checked inside."""
    answer = SearchRoutes(Finder(drives, chats)).query
    return operations("search", "", ("query", answer), below="search", method="POST")


@dataclass(frozen=True, slots=True)
class SearchRoutes:
    """The endpoint; what there is to find comes from the finder."""

    finder: Finder

    def query(self, visit: Visit) -> Response:
        """Answer one searchRequest with one hits container."""
        question = read_question(visit)
        found: list[Hit] = []
        terms: tuple[str, ...] = ()
        for kind in question.entities:
            more, search = self.finder.find(visit, kind, question.text)
            found += more
            terms = search.terms
        end = question.start + question.size
        hits = [
            {
                "hitId": hit.hit_id,
                "rank": rank,
                "summary": _summary(hit.text, terms),
                "resource": hit.resource(),
            }
            for rank, hit in enumerate(found[question.start : end], question.start + 1)
        ]
        container = {
            "hits": hits,
            "total": len(found),
            "moreResultsAvailable": end < len(found),
        }
        if not hits:
            del container["hits"]
        words = [word for term in terms for word in term.casefold().split()]
        return json_response(
            {
                "value": [{"searchTerms": words, "hitsContainers": [container]}],
                "@odata.context": visit.context("Collection(microsoft.graph.searchResponse)"),
            }
        )


def _summary(text: str, terms: tuple[str, ...]) -> str:
    flat = " ".join(text.split())
    words = [re.escape(term) for term in terms if term]
    pattern = re.compile("|".join(words) or r"(?!)", re.IGNORECASE)
    first = pattern.search(flat)
    start = max((first.start() if first else 0) - _SNIPPET // 4, 0)
    shown = pattern.sub(lambda found: f"<c0>{found.group()}</c0>", flat[start : start + _SNIPPET])
    return f"{shown}<ddd/>" if len(flat) > start + _SNIPPET else shown
