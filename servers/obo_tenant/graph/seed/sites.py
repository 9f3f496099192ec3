"""The sites of the tenant's organizations, and what is in their libraries."""

import random
from datetime import datetime, timedelta

from obo_tenant.graph.ids import guid
from obo_tenant.graph.seed.cast import Words
from obo_tenant.graph.seed.files import FileSeed
from obo_tenant.graph.seed.templates import Templates
from obo_tenant.graph.sites import HOST, Site
from obo_tenant.graph.store import Profile

_SITES = (
    ("", "Contoso", "Communication site", "What everybody should know.", ("html",)),
    (
        "sites/retail",
        "retail",
        "Retail",
        "Stores, offers and slides of the retail group.",
        ("pptx", "pdf"),
    ),
    ("sites/planning", "planning", "Store Planning", "Plans and figures.", ("xlsx", "docx")),
)


def company_sites(company: str, now: datetime, templates: Templates) -> tuple[Site, ...]:
    """All sites of `company`; the same ones for the same `now`."""
    return tuple(_site(company, each, now, templates) for each in _SITES)


def _site(
    company: str,
    about: tuple[str, str, str, str, tuple[str, ...]],
    now: datetime,
    templates: Templates,
) -> Site:
    path, name, title, description, kinds = about
    key = f"site {company} {path}"
    owner = _as_profile(key, title, company)
    dice = random.Random(key)
    seed = FileSeed(owner=owner, now=now, words=Words(dice, owner), templates=templates, dice=dice)
    url = f"https://{HOST}/{path}".rstrip("/") + "/Shared%20Documents"
    return Site(
        site_id=f"{HOST},{guid(key, 'collection')},{guid(key, 'web')}",
        path=path,
        name=name,
        title=title,
        description=description,
        created=(now - timedelta(days=500)).replace(microsecond=0),
        library=seed.library(url, frozenset(kinds)),
    )


def _as_profile(key: str, title: str, company: str) -> Profile:
    """A library has no owner of flesh and blood, but its files need somebody's name."""
    return Profile(
        oid=guid(key, "owner"),
        key=key,
        name=f"{title} Owners",
        address=f"{title.replace(' ', '').lower()}@contoso.example",
        job_title="",
        department="",
        office="",
        time_zone="UTC",
        company=company,
    )
