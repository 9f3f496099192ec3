"""Whom to trust on the way out: one answer for every HTTP library in the process.

requests reads REQUESTS_CA_BUNDLE and ignores SSL_CERT_FILE, httpx does the opposite, and either
lets its variable win over what the program asked for. Here the order is fixed: the configured
bundle, then REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR, then certifi's roots.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

import certifi

_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


def trusted_roots(ca_bundle: Path | None, environ: Mapping[str, str] = os.environ) -> str:
    """Path of the PEM file, or folder of hashed certificates, that outgoing TLS trusts."""
    if ca_bundle is not None:
        return str(ca_bundle)
    named = (environ.get(variable, "") for variable in _VARIABLES)
    return next((path for path in named if path and Path(path).exists()), certifi.where())


def tls_context(ca_bundle: Path | None, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """A verifying client context that trusts `trusted_roots`.

    Raises:
        OSError: the file cannot be read, or holds no certificate (`ssl.SSLError`).
    """
    roots = trusted_roots(ca_bundle, environ)
    if Path(roots).is_dir():
        return ssl.create_default_context(capath=roots)
    return ssl.create_default_context(cafile=roots)
