"""A client secret or a certificate that Azure Key Vault keeps ("Get Secret" of its REST API).

A certificate is read in its secret form, which has the private key. `vault.Vault` does the reading.
"""

import base64
import binascii
from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from obo_mcp.clock import Clock
from obo_mcp.errors import OboError, Unavailable
from obo_mcp.exchange.certificate import Certificate, CertificateFault, ExpiryWatch
from obo_mcp.exchange.credential_fault import misconfigured, report, source_of
from obo_mcp.exchange.turns import OneAtATime, alike
from obo_mcp.secret import Secret

SETTING = "key_vault_item"
READ_AGAIN_SECONDS = 3600.0
AFTER_TROUBLE_SECONDS = 60.0
"""A refused or unreadable item is looked at again after this long, not with each exchange."""
_CERTIFICATE_TYPES = ("application/x-pkcs12", "application/x-pem-file")


class Item(NamedTuple):
    """What the vault holds under a name, and what kind of thing it is."""

    text: Secret
    content_type: str


class KeyVaultItem:
    """The secret or certificate, read at the first exchange, hourly, and after a refusal.

    Trouble with the vault leaves the former value in use, with an event. Where there is none, a
    refusal serves everybody until it is time to ask again. A Retry-After is kept to.
    """

    def __init__(
        self,
        read: Callable[[], Item],
        *,
        is_certificate: bool,
        send_chain: bool,
        clock: Clock,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._read = read
        self._is_certificate = is_certificate
        self._send_chain = send_chain
        self._clock = clock
        self._close = close
        self._watch = ExpiryWatch(SETTING, clock)
        self._turns = OneAtATime()
        self._held: Secret | Certificate | None = None
        self._value: object = None
        self._trouble: OboError | None = None
        self._asked_at = float("-inf")
        self._due_at = float("-inf")
        self._not_before = float("-inf")

    def current(self, _tenant_id: str) -> object:
        """MSAL's `client_credential`: another object only when the vault holds something else.

        Raises:
            ClientMisconfigured: the vault gives nothing that can be used, and never did.
            Unavailable: it does not answer, and never did.
        """
        if self._clock.monotonic() >= self._due_at:
            self._turns.run(self._renew_once, of=self)
        trouble = self._trouble
        if trouble is not None:
            raise self._again(trouble)
        if isinstance(self._held, Certificate):
            self._watch.look(self._held)
        return self._value

    def refused(self) -> None:
        """Read it again with the next exchange, but not more than once a minute."""
        soon = min(self._due_at, self._asked_at + AFTER_TROUBLE_SECONDS)
        self._due_at = max(soon, self._not_before)

    def close(self) -> None:
        """Close the connections to the vault."""
        self._close()

    def _renew_once(self) -> None:
        now = self._clock.monotonic()
        if now < self._due_at:
            return
        if self._held is not None:  # the others go on with what there is
            self._due_at = now + AFTER_TROUBLE_SECONDS
        try:
            self._take(self._read())
        except OboError as error:
            self._learn(error)
            if self._held is None:
                raise
            report("kept", SETTING, "the vault gave nothing new", "The former value stays in use.")
            return
        self._trouble = None
        self._asked_at, self._due_at = now, now + READ_AGAIN_SECONDS

    def _learn(self, error: OboError) -> None:
        """When to ask again: a refusal stays one for a while, a cut connection may not."""
        now = self._asked_at = self._clock.monotonic()
        self._not_before = now + (source_of(error) or 0)
        at_once = self._held is None and isinstance(error, Unavailable)
        self._due_at = max(self._not_before, now + (0 if at_once else AFTER_TROUBLE_SECONDS))
        if self._held is None:
            self._trouble = alike(error)

    def _again(self, trouble: OboError) -> OboError:
        """The failure of before, for an exchange that came while nothing may be asked."""
        if not isinstance(trouble, Unavailable):
            return alike(trouble)
        left = ceil(self._due_at - self._clock.monotonic())
        return alike(trouble, retry_after_seconds=max(1, left))

    def _take(self, item: Item) -> None:
        held = self._understood(item)
        if held == self._held:
            return
        if isinstance(held, Certificate):
            self._value = held.for_msal(send_chain=self._send_chain)
        else:
            self._value = held.reveal()  # MSAL takes a client secret as text only
        if self._held is not None:
            report("renewed", SETTING, "the vault holds another version")
        self._held = held

    def _understood(self, item: Item) -> Secret | Certificate:
        if not self._is_certificate and item.content_type not in _CERTIFICATE_TYPES:
            return item.text
        try:
            certificate = Certificate.read(_octets(item), None)
            certificate.check(self._clock.now())
        except CertificateFault as error:
            fault = str(error)
        else:
            return certificate
        raise misconfigured(SETTING, fault, _CERTIFICATE_CURE)


_CERTIFICATE_CURE = (
    "The vault's certificate must be valid, with an exportable RSA key of 2048 bits or more."
)


def _octets(item: Item) -> bytes:
    """PEM is kept as it is, PFX in base64. The text is opened here to be parsed."""
    text = item.text.reveal()
    if "-----BEGIN " in text:
        return text.encode()
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise CertificateFault("there is no certificate in it") from None
