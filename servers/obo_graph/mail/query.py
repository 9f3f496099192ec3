"""From the arguments of `mail_search` to a Graph request.

Exchange offers two ways, and they do not mix: `$filter` with `$orderby` for properties, and
`$search` for words, which takes neither (Graph, "List messages"; 400 SearchWithOrderBy). What
the chosen way cannot express is checked here, row by row.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal

from obo_graph.errors import bad_argument
from obo_graph.shape import ids
from obo_graph.shape.addresses import people_of
from obo_graph.shape.query import (
    kql_period,
    kql_property,
    kql_term,
    kql_words,
    odata_text,
    search_option,
)
from obo_graph.shape.times import parse, read, to_odata
from obo_graph.text import comparable
from obo_graph.wire.answer import Json

YesNo = Literal["any", "yes", "no"]
"""A condition that can be left open, without the anyOf that `bool | None` would make."""

_SELECT = (
    "id,from,toRecipients,subject,receivedDateTime,isRead,flag,hasAttachments,bodyPreview,"
    "conversationId"
)
_ADDRESS = re.compile(r'[^\s@"]+@[^\s@"]+')
_WITH_CONDITIONS = 50
_BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)

Keep = Callable[[Json], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailQuery:
    """The arguments of one `mail_search`, as the model gave them, but for the cursor."""

    query: str
    folder: str
    from_: str
    to: str
    subject: str
    after: str
    before: str
    unread: YesNo
    has_attachments: YesNo
    conversation_id: str
    limit: int

    def arguments(self) -> dict[str, Any]:
        """What a cursor for this search is bound to."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to get the rows: the request, and the conditions left to check on each row."""

    path: str
    query: dict[str, str]
    keep: Keep


def plan(wanted: MailQuery, zone: tzinfo) -> Plan:
    """The request for `wanted`; days are those of `zone`.

    Raises:
        ToolError: an argument is malformed.
    """
    after = parse("after", wanted.after, zone) if wanted.after else None
    before = parse("before", wanted.before, zone) if wanted.before else None
    folder = f"/mailFolders/{ids.segment('folder', wanted.folder)}" if wanted.folder else ""
    if wanted.conversation_id:
        ids.segment("conversation_id", wanted.conversation_id)
    _check_words(wanted)
    query, conditions = _way(wanted, after, before)
    rows = _WITH_CONDITIONS if conditions else wanted.limit
    return Plan(
        path=f"/me{folder}/messages",
        query=query | {"$select": _SELECT, "$top": str(rows)},
        keep=lambda row: all(holds(row) for holds in conditions),
    )


def _check_words(wanted: MailQuery) -> None:
    given = {
        "query": (wanted.query, kql_words(wanted.query)),
        "from_": (wanted.from_, kql_term(wanted.from_)),
        "to": (wanted.to, kql_term(wanted.to)),
        "subject": (wanted.subject, kql_term(wanted.subject)),
    }
    for argument, (text, term) in given.items():
        if text and not term:
            raise bad_argument(argument, "holds no word to look for; leave it empty for any")


def _way(
    wanted: MailQuery, after: datetime | None, before: datetime | None
) -> tuple[dict[str, str], list[Keep]]:
    words = kql_words(wanted.query)
    if words or wanted.to or (wanted.from_ and not _ADDRESS.fullmatch(wanted.from_)):
        return _search(wanted, words, after, before), _conditions(wanted, after, before)
    if wanted.conversation_id:
        conditions = [*_conditions(wanted, after, before), *_sender_and_subject(wanted)]
        return _conversation(wanted), conditions
    return _filter(wanted, after, before), []


def _search(
    wanted: MailQuery, words: str, after: datetime | None, before: datetime | None
) -> dict[str, str]:
    terms = (
        words,
        kql_property("from", wanted.from_),
        kql_property("to", wanted.to),
        kql_property("subject", wanted.subject),
        kql_period("received", after, before),
        "hasAttachments:true" if wanted.has_attachments == "yes" else "",
    )
    return {"$search": search_option(" ".join(term for term in terms if term))}


def _conversation(wanted: MailQuery) -> dict[str, str]:
    # Any further condition or order makes Exchange answer InefficientFilter.
    return {"$filter": f"conversationId eq {odata_text(wanted.conversation_id)}"}


def _filter(wanted: MailQuery, after: datetime | None, before: datetime | None) -> dict[str, str]:
    conditions = []
    if before is not None:
        conditions.append(f"receivedDateTime lt {to_odata(before)}")
    if wanted.from_:
        conditions.append(f"from/emailAddress/address eq {odata_text(wanted.from_)}")
    if wanted.subject:
        conditions.append(f"contains(subject,{odata_text(wanted.subject)})")
    if wanted.unread != "any":
        conditions.append(f"isRead eq {'false' if wanted.unread == 'yes' else 'true'}")
    if wanted.has_attachments != "any":
        yes = "true" if wanted.has_attachments == "yes" else "false"
        conditions.append(f"hasAttachments eq {yes}")
    ordered = {"$orderby": "receivedDateTime desc"}
    if not conditions and after is None:
        return ordered
    # The property ordered by has to come first in $filter.
    first = f"receivedDateTime ge {to_odata(after or _BEGINNING)}"
    return ordered | {"$filter": " and ".join([first, *conditions])}


def _conditions(wanted: MailQuery, after: datetime | None, before: datetime | None) -> list[Keep]:
    conditions: list[Keep] = []
    if after is not None or before is not None:
        conditions.append(lambda row: _within(read(row.get("receivedDateTime")), after, before))
    if wanted.unread != "any":
        conditions.append(lambda row: (wanted.unread == "yes") is not row.get("isRead"))
    if wanted.has_attachments != "any":
        yes = wanted.has_attachments == "yes"
        conditions.append(lambda row: row.get("hasAttachments") is yes)
    if wanted.conversation_id:
        conditions.append(lambda row: row.get("conversationId") == wanted.conversation_id)
    return conditions


def _sender_and_subject(wanted: MailQuery) -> list[Keep]:
    conditions: list[Keep] = []
    if wanted.from_:
        sender = comparable(wanted.from_)
        conditions.append(lambda row: sender in _addresses(row))
    if wanted.subject:
        part = comparable(wanted.subject)
        conditions.append(lambda row: part in comparable(str(row.get("subject", ""))))
    return conditions


def _addresses(row: Json) -> set[str]:
    return {comparable(person.address) for person in people_of([row.get("from")])}


def _within(moment: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    if moment is None:
        return False
    return (after is None or moment >= after) and (before is None or moment < before)
