"""OData and KQL, written by us from a model's plain words.

A word can be anything that stands in a mail somebody sent; quoting makes sure that it stays a
word. OData: "URL conventions" section 5.1.1.6.1. KQL: Microsoft's "Keyword Query Language
syntax reference"; the escaping inside `$search` is Graph's ("Use the $search parameter").
"""

import re
from datetime import datetime, timedelta

from obo_graph.shape.times import to_odata
from obo_graph.text import clean

_PLAIN = re.compile(r"\w[\w.\-@]*")
_OPERATORS = frozenset({"AND", "OR", "NOT", "NEAR", "ONEAR", "WORDS", "XRANK", "ALL", "ANY"})
_WORDS = re.compile(r'"([^"]*)"|([^\s"]+)')
_UNQUOTABLE = re.compile(r'["\u201c-\u201f\uff02\\\x00-\x1f]')


def odata_text(value: str) -> str:
    """`value` as an OData string literal."""
    return "'" + clean(value).replace("\n", " ").replace("'", "''") + "'"


def kql_term(value: str) -> str:
    """`value` as one KQL term: bare if it is a plain word, else a quoted phrase; "" for nothing.

    An operator in capitals is quoted too: it is a word somebody looks for.
    """
    word = " ".join(_UNQUOTABLE.sub(" ", clean(value)).split())
    if _PLAIN.fullmatch(word) and word not in _OPERATORS:
        return word
    return f'"{word}"' if word else ""


def kql_words(value: str) -> str:
    """Free text as KQL terms that must all occur; text in double quotes stays one phrase."""
    terms = (kql_term(phrase or word) for phrase, word in _WORDS.findall(value))
    return " ".join(term for term in terms if term)


def kql_property(name: str, value: str) -> str:
    """`name:value` with `value` quoted as needed; "" for no value."""
    term = kql_term(value)
    return f"{name}:{term}" if term else ""


def kql_period(name: str, after: datetime | None, before: datetime | None) -> str:
    """Days that certainly hold the period; KQL knows only days, in a zone we cannot see."""
    day = timedelta(days=1)
    terms = []
    if after is not None:
        terms.append(f"{name}>={to_odata(after - day)[:10]}")
    if before is not None:
        terms.append(f"{name}<={to_odata(before + day)[:10]}")
    return " ".join(terms)


def search_option(kql: str) -> str:
    """`kql` as the value of `$search`: in double quotes, with those inside escaped."""
    return '"' + kql.replace("\\", "\\\\").replace('"', '\\"') + '"'
