"""A self-signed certificate for a throw-away key."""

import datetime as dt
import functools

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from vectors.forging.material import NOW, rsa_key


@functools.cache
def certificate(name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "accounts.accesscontrol.example")])
    start = dt.datetime.fromtimestamp(NOW, dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(rsa_key(name).public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=365))
        .sign(rsa_key(name), hashes.SHA256())
    )
