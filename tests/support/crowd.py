"""Many people of a local tenant in this process, and their access tokens, signed without HTTP."""

from obo_mcp.secret import Secret
from obo_tenant.mint import Subject


class Crowd:
    """`count` new people at home in `tenant`; each is known by a number."""

    def __init__(self, tenant, count):
        apps = {app.name: app for app in tenant.directory.apps}
        self._client, self._server = apps["connection"], apps["mcp-server"]
        self._mint = tenant.mint
        self._accounts = list(tenant.directory.add_people(count))
        self.oids = [account.person.oid for account in self._accounts]

    def token(self, number, lifetime_seconds) -> Secret:
        """A new sign-in of that person: no two tokens are the same."""
        subject = Subject(
            client=self._client,
            resource=self._server,
            spelling=self._server.prefix,
            scopes=("mcp.access",),
            account=self._accounts[number],
        )
        return Secret(self._mint.sign(self._mint.access_claims(subject, lifetime_seconds)))
