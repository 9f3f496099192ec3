"""The SharePoint sites of an organization, each with one document library for everybody in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from obo_tenant.graph.drive import Drive
from obo_tenant.graph.odata.kql import padded_words

HOST = "contoso.contoso.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site. `path` is below the host, empty for the root site."""

    site_id: str
    path: str
    name: str
    title: str
    description: str
    created: datetime
    library: Drive

    @property
    def web_url(self) -> str:
        """Where people open it."""
        return f"https://{HOST}/{self.path}".rstrip("/")


class SiteWords:
    """A site as KQL sees it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def words(self, name: str) -> str:
        """See `odata.kql.Searchable`."""
        site = self._site
        title = padded_words(f"{site.title} {site.name}")
        texts = {"title": title, "path": padded_words(site.web_url)}
        return texts.get(name, title + padded_words(site.description))

    def flag(self, _name: str) -> str:
        """See `odata.kql.Searchable`: a site has none."""
        return ""

    def moment(self, _name: str) -> datetime | None:
        """See `odata.kql.Searchable`."""
        return self._site.created


class Sites:
    """The sites of each company; `make` creates them when they are first asked for."""

    def __init__(self, make: Callable[[str], Sequence[Site]]) -> None:
        self._make = make
        self._made: dict[str, Sequence[Site]] = {}

    def of(self, company: str) -> Sequence[Site]:
        """All sites of one company, the root site first."""
        if company not in self._made:
            self._made[company] = self._make(company)
        return self._made[company]

    def find(self, company: str, name: str) -> Site | None:
        """The site with this id, or `root`, or the host alone; None if there is none."""
        sites = self.of(company)
        if name.casefold() in ("root", HOST):
            return sites[0]
        return next((site for site in sites if site.site_id == name), None)

    def at(self, company: str, path: str) -> Site | None:
        """The site at a path below the host, or None."""
        wanted = path.strip("/").casefold()
        return next((site for site in self.of(company) if site.path.casefold() == wanted), None)

    def library(self, company: str, drive_id: str) -> Drive | None:
        """The document library with this drive id, or None."""
        drives = (site.library for site in self.of(company))
        return next((drive for drive in drives if drive.drive_id == drive_id), None)
