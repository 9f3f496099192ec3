"""What a setting may hold: one check for each kind of value, in words that name no value."""

import base64
import binascii
import re
import uuid
from pathlib import Path
from urllib.parse import urlunsplit

from obo_mcp.environment import UNQUOTABLE, host_and_port, web_address
from obo_mcp.network import tls_context
from obo_mcp.secret import Secret

RESERVED_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant that Microsoft accounts of private people live in (Entra, "ID token claims")."""
RING_KEY_BYTES = 32
_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_VAULT_PATH = re.compile(r"/(secrets|certificates)/[0-9A-Za-z-]{1,127}/?")
_STANDARD_BASE64 = str.maketrans("-_", "+/")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def guid(text: str) -> str:
    """A GUID in its canonical form."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("must be a GUID, as the Entra portal shows it") from None


def tenants(ids: tuple[str, ...]) -> tuple[str, ...]:
    """Tenant ids, none of them that of personal accounts."""
    if PERSONAL_ACCOUNTS in ids:
        raise ValueError("must not hold the tenant of personal accounts: theirs are not exchanged")
    return ids


def role(text: str) -> str:
    """The value of one app role (RFC 6749 section 3.3 characters)."""
    if UNQUOTABLE.search(text):
        raise ValueError("must be the value of one app role, such as mcp.read")
    return text


def host(text: str) -> str:
    """A host as it stands in a Host header, in lower case."""
    if not _HOST.fullmatch(text.lower()):
        raise ValueError("must be a host as it stands in the Host header: name, or name:port")
    return text.lower()


def secret(value: object) -> Secret:
    """Hide a text; blanks at its ends go."""
    secret = Secret(value) if isinstance(value, str) else value
    if not isinstance(secret, Secret) or not secret.stripped():
        raise ValueError("must be text, and not empty")
    return secret.stripped()


def client_secret(secret: Secret) -> Secret:
    """A client secret's value, not its id."""
    if _GUID.fullmatch(secret.reveal()):
        raise ValueError("looks like the secret's id; paste the secret's value instead")
    return secret


def resource_url(text: str) -> str:
    """The canonical form of our endpoint."""
    parts = web_address(text)
    return urlunsplit((parts.scheme, host_and_port(parts), parts.path.rstrip("/"), "", ""))


def authority_host(text: str) -> str:
    """The origin of a sign-in service (Entra, "National clouds")."""
    parts = web_address(text if "://" in text else f"https://{text}")
    if parts.scheme != "https" or parts.path.strip("/"):
        raise ValueError("must be an https:// address without a path; the tenant has its own")
    if (parts.hostname or "").endswith(".b2clogin.com"):
        raise ValueError("must not be Azure AD B2C's: it has no on-behalf-of")
    return f"https://{host_and_port(parts)}"


def identifier_uri(text: str) -> str:
    """An Application ID URI, or nothing."""
    if text and ("://" not in text or text.endswith("/") or UNQUOTABLE.search(text)):
        raise ValueError("must be the Application ID URI, such as api://<client id>, without a /")
    return text


def scope(text: str) -> str:
    """One scope of ours, short or fully qualified."""
    resource, _, name = text.rpartition("/")
    plain = name and not UNQUOTABLE.search(text) and (not resource or "://" in resource)
    if not plain or name == ".default" or name in RESERVED_SCOPES:
        raise ValueError("must be one scope, such as mcp.access or api://<client id>/mcp.access")
    return text


def ca_bundle(path: Path | None) -> Path | None:
    """A readable file of PEM roots."""
    if path is not None:
        try:
            tls_context(path)
        except OSError:
            raise ValueError("must be a readable file of PEM certificates") from None
        if not path.is_file():
            raise ValueError("must be a readable file of PEM certificates")
    return path


def readable_file(path: Path | None) -> Path | None:
    """A file that is there; what is in it is checked by whoever reads it."""
    if path is not None and not path.is_file():
        raise ValueError("must be a file that this process can read")
    return path


def vault_item(text: str) -> str:
    """A secret or certificate of a Key Vault, by its URL (Key Vault, "Object identifiers")."""
    if text and not _VAULT_PATH.fullmatch(web_address(text).path):
        raise ValueError("must be https://<vault>/certificates/<name> or .../secrets/<name>")
    return text.rstrip("/")


def redis_addresses(addresses: Secret) -> Secret:
    """One or more addresses of Redis; each may hold a password, so none is shown."""
    for address in addresses.reveal().replace(",", " ").split():
        if not address.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// (TLS) or unix://")
    return addresses


def ring_key(key: Secret) -> Secret:
    """One key of the ring: 32 random bytes in base64 or base64url."""
    text = key.reveal().translate(_STANDARD_BASE64).rstrip("=")
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) != RING_KEY_BYTES:
        raise ValueError("must hold keys of 32 random bytes in base64, the newest first")
    return key


def page_address(text: str) -> str:
    """The address of a web page, or nothing."""
    if text:
        web_address(text)
    return text
