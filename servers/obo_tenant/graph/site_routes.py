"""SharePoint sites: searched, by id, by path, and their document libraries.

Sources: Graph "site: search", "site: get", "site: get by path", "list drives", "get drive".
"""

from dataclasses import dataclass

from starlette.responses import Response

from obo_tenant.graph.drive_routes import SCOPES as FILE_SCOPES
from obo_tenant.graph.drive_view import drive_json, site_json
from obo_tenant.graph.errors import denied, item_not_found
from obo_tenant.graph.odata.kql import padded_words
from obo_tenant.graph.odata.page import check_names, cut, page_size, show
from obo_tenant.graph.reach import WIDE_READ
from obo_tenant.graph.sites import HOST, Site, Sites, SiteWords
from obo_tenant.graph.visit import Operation, Visit, operations

SCOPES = "Sites.Read.All Sites.ReadWrite.All Sites.Manage.All Sites.FullControl.All"
_SITE_MEMBERS = [
    "id",
    "name",
    "displayName",
    "description",
    "webUrl",
    "createdDateTime",
    "lastModifiedDateTime",
    "siteCollection",
    "root",
    "isPersonalSite",
    "sharepointIds",
]


@dataclass(frozen=True, slots=True)
class SiteRoutes:
    """The endpoints of sites."""

    sites: Sites

    def operations(self) -> tuple[Operation, ...]:
        """The paths below `/sites`."""
        return (
            *operations(
                "drive",
                SCOPES,
                ("", self.list_sites),
                ("{site}", self.get_site),
                ("{host}/:/{path}", self.get_by_path),
                below="sites",
            ),
            *operations(
                "drive",
                FILE_SCOPES,
                ("{site}/drive", self.get_drive),
                ("{site}/drives", self.list_drives),
                below="sites",
            ),
        )

    def list_sites(self, visit: Visit) -> Response:
        """The sites whose name or description has the words of `search`; all for `*` or none."""
        check_names(visit.options.select, _SITE_MEMBERS, "site")
        words = visit.options.plain.get("search", "*").replace("*", " ").split()
        wanted = [padded_words(word).rstrip() for word in words]
        found = [
            site
            for site in self.sites.of(visit.owner.profile.company)
            if all(word in SiteWords(site).words("") for word in wanted)
        ]
        size = page_size(visit.options, default=50, maximum=500, preferred=visit.prefer.page_size)
        page = cut(found, visit.options, size=size, by="$skiptoken")
        shown = [show(site_json(site), visit.options.select) for site in page.items]
        return visit.many(visit.context("sites"), page, shown)

    def get_site(self, visit: Visit) -> Response:
        """One site by id, host or as `root`."""
        return _answered(visit, self._site(visit))

    def get_by_path(self, visit: Visit) -> Response:
        """One site by host and path."""
        company = visit.owner.profile.company
        right = visit.variables["host"].casefold() == HOST
        site = self.sites.at(company, visit.variables["path"]) if right else None
        if site is None:
            raise item_not_found("drive")
        return _answered(visit, site)

    def get_drive(self, visit: Visit) -> Response:
        """The library of a site."""
        full = drive_json(self._site(visit).library)
        check_names(visit.options.select, full, "drive")
        self._wide(visit)
        return visit.one(visit.context("drives/$entity"), show(full, visit.options.select))

    def list_drives(self, visit: Visit) -> Response:
        """The libraries of a site: there is one."""
        full = drive_json(self._site(visit).library)
        check_names(visit.options.select, full, "drive")
        self._wide(visit)
        page = cut([full], visit.options, size=200, by="$skiptoken")
        shown = [show(each, visit.options.select) for each in page.items]
        return visit.many(visit.context("drives"), page, shown)

    def _wide(self, visit: Visit) -> None:
        if not visit.may(*WIDE_READ):
            raise denied("drive")

    def _site(self, visit: Visit) -> Site:
        site = self.sites.find(visit.owner.profile.company, visit.variables["site"])
        if site is None:
            raise item_not_found("drive")
        return site


def _answered(visit: Visit, site: Site) -> Response:
    check_names(visit.options.select, _SITE_MEMBERS, "site")
    return visit.one(visit.context("sites/$entity"), show(site_json(site), visit.options.select))
