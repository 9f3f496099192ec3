"""A certificate with its private key, as the client credential (Entra, "Certificate credentials").

PEM or PFX is read into memory and handed to MSAL as a key object and a thumbprint, the form that
all sources share. MSAL then signs with RS256 and sends `x5t`; with the chain, `x5c` too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12

from obo_mcp.clock import Clock
from obo_mcp.errors import ConfigurationError
from obo_mcp.exchange.credential_fault import named, report
from obo_mcp.secret import Secret

SHORTEST_KEY_BITS = 2048
WARNING_DAYS = 30
SETTING = "client_certificate_path"
_DAY_SECONDS = 86_400
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


class CertificateFault(ValueError):
    """Why a file is no usable certificate, in words that hold nothing of it."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """An RSA key and its certificates, the key's own first."""

    key: RSAPrivateKey = field(repr=False, compare=False)
    chain: tuple[x509.Certificate, ...] = field(repr=False)

    @classmethod
    def read(cls, octets: bytes, password: Secret | None) -> "Certificate":
        """What a PEM or PFX file holds.

        Raises:
            CertificateFault: it cannot be read, or MSAL cannot sign with it.
        """
        read = _read_pem if b"-----BEGIN " in octets else _read_pfx
        # The key is decrypted in this one call; MSAL never gets the password.
        key, certificates = read(octets, password.reveal().encode() if password else None)
        if not isinstance(key, RSAPrivateKey):
            raise CertificateFault("its private key is not an RSA key, and MSAL signs with RSA")
        if key.key_size < SHORTEST_KEY_BITS:
            raise CertificateFault(f"its RSA key is shorter than {SHORTEST_KEY_BITS} bits")
        return cls(key, _leaf_first(key, certificates))

    @property
    def until(self) -> datetime:
        """Its last second."""
        return self.chain[0].not_valid_after_utc

    def check(self, now: float) -> None:
        """Say so if it is not valid at `now` (seconds since the epoch).

        Raises:
            CertificateFault: it is not.
        """
        begins, at = self.chain[0].not_valid_before_utc, datetime.fromtimestamp(now, UTC)
        if at > self.until:
            raise CertificateFault(f"the certificate expired on {self.until:%Y-%m-%d}")
        if at < begins:
            raise CertificateFault(f"the certificate is not valid before {begins:%Y-%m-%d}")

    def is_valid(self, now: float) -> bool:
        """Whether it is valid at `now` (seconds since the epoch)."""
        begins, at = self.chain[0].not_valid_before_utc, datetime.fromtimestamp(now, UTC)
        return begins <= at <= self.until

    def for_msal(self, *, send_chain: bool) -> dict[str, Any]:
        """MSAL's `client_credential`; without line breaks in `x5c` (RFC 7515 section 4.1.6)."""
        der = self.chain[0].public_bytes(Encoding.DER)
        thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest()  # the name `x5t` is
        credential: dict[str, Any] = {"private_key": self.key, "thumbprint": thumbprint}
        if send_chain:
            pem = (each.public_bytes(Encoding.PEM).decode() for each in self.chain)
            credential["public_certificate"] = "".join("".join(pem).splitlines())
        return credential


class ExpiryWatch:
    """Warns once a day while a certificate is within thirty days of its end."""

    def __init__(self, setting: str, clock: Clock) -> None:
        self._setting = setting
        self._clock = clock
        self._next_look = float("-inf")

    def look(self, certificate: Certificate) -> None:
        """Report the event `credential`, outcome `expiring`, if it is time."""
        now = self._clock.now()
        if now < self._next_look:
            return
        self._next_look = now + _DAY_SECONDS
        if certificate.until.timestamp() - now < WARNING_DAYS * _DAY_SECONDS:
            until = f"{certificate.until:%Y-%m-%d}"
            report("expiring", self._setting, f"the certificate ends on {until}", _CURE)


_CURE = "Register its successor with the application, then put it in place: no restart is needed."


class CertificateFile:
    """The certificate in a file, read again when the file changes.

    A changed file that cannot be used leaves the former certificate in place, with an event. One
    whose time has not come is used when it has.
    """

    def __init__(
        self, path: Path, password: Secret | None, *, send_chain: bool, clock: Clock
    ) -> None:
        self._path = path
        self._password = password
        self._send_chain = send_chain
        self._clock = clock
        self._watch = ExpiryWatch(SETTING, clock)
        self._looking = Lock()
        self._stamp = _stamp(path)
        self._read: Certificate | None = None
        self._used = self._first()
        self._value = self._used.for_msal(send_chain=send_chain)
        self._watch.look(self._used)

    def current(self, _tenant_id: str) -> dict[str, Any]:
        """MSAL's `client_credential`: another object only when the file holds something else."""
        with self._looking:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._stamp = stamp  # also of a file of no use: its next change is looked at
                if fault := self._fault():
                    report("kept", SETTING, fault, "The former certificate stays in use.")
            self._take_what_is_valid()
            self._watch.look(self._used)
            return self._value

    def refused(self) -> None:
        """Nothing to do: the file is looked at before each exchange anyway."""

    def close(self) -> None:
        """Nothing is open."""

    def _first(self) -> Certificate:
        fault = self._fault()
        if fault or self._read is None:
            raise ConfigurationError(f"{named(SETTING)}: {fault}")
        return self._read

    def _fault(self) -> str:
        """Read the file; why what it holds is of no use now, in words that hold nothing of it."""
        self._read = None
        try:
            self._read = Certificate.read(self._path.read_bytes(), self._password)
            self._read.check(self._clock.now())
        except CertificateFault as error:
            return str(error)
        except OSError:
            return "cannot be read"
        return ""

    def _take_what_is_valid(self) -> None:
        """Time alone makes a certificate good that came before its day."""
        read = self._read
        if read is None or read == self._used or not read.is_valid(self._clock.now()):
            return
        self._used, self._value = read, read.for_msal(send_chain=self._send_chain)
        report("renewed", SETTING, "the file changed", until=f"{read.until:%Y-%m-%d}")


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What changes with a file; a mounted secret is a link, whose target changes whole."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _read_pem(octets: bytes, password: bytes | None) -> tuple[object, list[x509.Certificate]]:
    if b"PRIVATE KEY-----" not in octets:
        raise CertificateFault("there is no private key in it")
    if b"-----BEGIN CERTIFICATE-----" not in octets:
        raise CertificateFault("there is no certificate in it, only a key")
    locked = b"ENCRYPTED" in octets
    if locked and password is None:
        raise CertificateFault(f"its key is encrypted: set {_PASSWORD}")
    try:
        key = load_pem_private_key(octets, password if locked else None)
    except _UNREADABLE:
        wrong = f"its key does not open with {_PASSWORD}" if locked else "its key cannot be read"
        raise CertificateFault(wrong) from None
    try:
        return key, x509.load_pem_x509_certificates(octets)
    except ValueError:
        raise CertificateFault("a certificate in it cannot be read") from None


def _read_pfx(octets: bytes, password: bytes | None) -> tuple[object, list[x509.Certificate]]:
    try:
        pfx = pkcs12.load_pkcs12(octets, password)
    except _UNREADABLE:
        raise CertificateFault(
            f"is neither PEM nor a PFX that opens with {_PASSWORD}"
            if password
            else f"is neither PEM nor a PFX that opens without {_PASSWORD}"
        ) from None
    if pfx.key is None:
        raise CertificateFault("there is no private key in it")
    all_of_it = [pfx.cert, *pfx.additional_certs]
    return pfx.key, [each.certificate for each in all_of_it if each is not None]


_PASSWORD = named("client_certificate_password")


def _leaf_first(
    key: RSAPrivateKey, certificates: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    if not certificates:
        raise CertificateFault("there is no certificate in it, only a key")
    ours = key.public_key()
    try:
        leaf = next((each for each in certificates if each.public_key() == ours), None)
    except _UNREADABLE:
        leaf = None
    if leaf is None:
        raise CertificateFault("its key and its certificate do not belong together")
    return (leaf, *(each for each in certificates if each != leaf))
