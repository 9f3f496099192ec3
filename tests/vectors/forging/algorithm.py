"""Family "algorithm": any way of signing but RSASSA-PKCS1-v1_5 with SHA-256, named exactly so."""

import hmac
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vectors.forging.certificate import certificate
from vectors.forging.material import (
    CLIENT,
    KID,
    Item,
    Signer,
    b64,
    compact_json,
    ec_key,
    ed_key,
    header,
    number,
    rs256,
    rsa_key,
    token,
)
from vectors.forging.published import entry

FAMILY = "algorithm"
UNSIGNED = {
    "lower": "none",
    "title": "None",
    "upper": "NONE",
    "mixed": "nOnE",
    "mixed-two": "NoNe",
    "last-upper": "nonE",
    "leading-space": " none",
    "trailing-space": "none ",
    "trailing-nul": "none\0",
    "cyrillic-o": "n\u043ene",
    "null-word": "null",
}
NAMES: dict[str, Any] = {
    "lower": "rs256",
    "mixed": "Rs256",
    "trailing-space": "RS256 ",
    "leading-space": " RS256",
    "trailing-nul": "RS256\0",
    "trailing-newline": "RS256\n",
    "dash": "RS-256",
    "family-only": "RSA",
    "java-name": "SHA256withRSA",
    "xml-name": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "long-name": "RSASSA-PKCS1-v1_5",
    "fullwidth": "\uff32\uff33\uff12\uff15\uff16",
    "list-text": "RS256,none",
    "empty": "",
    "null": None,
    "array": ["RS256"],
    "array-of-two": ["none", "RS256"],
    "object": {"name": "RS256"},
    "number": 256,
    "true": True,
}
ENCRYPTING = [
    "RSA-OAEP", "RSA-OAEP-256", "RSA1_5", "dir", "A128KW", "A256GCMKW", "ECDH-ES",
]  # fmt: skip


def items() -> Iterator[Item]:
    yield from _unsigned()
    yield from _shared_secrets()
    yield from _other_signatures()
    yield from _odd_names()
    yield from _encrypting()


def _item(name: str, text: str, reason: str, clause: str = "RFC 8725 3.1") -> Item:
    return Item(f"alg-{name}", FAMILY, text, reason, clause, "TokenMalformed")


def _unsigned() -> Iterator[Item]:
    for name, alg in UNSIGNED.items():
        text = token(header(alg=alg), sign=lambda _: b"")
        yield _item(f"none-{name}", text, f"No signature; alg says {alg!a}.", "RFC 7518 3.6")
    for name in ("lower", "title", "upper"):
        text = token(header(alg=UNSIGNED[name]))
        reason = "alg says that nothing is signed; the signature is a good RS256 one."
        yield _item(f"none-{name}-but-signed", text, reason, "RFC 7518 3.6")
    bare = token(header("kid", "typ", alg="none"), sign=lambda _: b"")
    yield _item("none-bare", bare, "Nothing but alg none in the header.", "RFC 7518 3.6")
    yield _item("none-two-parts", bare.rstrip("."), "Unsigned, without the last dot.", "RFC 7519 6")
    yield _item("none-junk", f"{bare}AAAA", "Unsigned, with a junk signature.", "RFC 7518 3.6")


def _shared_secrets() -> Iterator[Item]:
    for bits, digest in (("256", "sha256"), ("384", "sha384"), ("512", "sha512")):
        for name, secret in _public_texts().items():
            if bits == "256" or name in ("spki-pem", "spki-der", "pkcs1-pem", "jwk"):
                text = token(header(alg=f"HS{bits}"), sign=_hmac(secret, digest))
                reason = f"An HMAC under a value everybody knows: {name}."
                yield _item(f"hs{bits}-{name}", text, reason)
    lower = token(header(alg="hs256"), sign=_hmac(_public_texts()["spki-pem"], "sha256"))
    yield _item("hs256-lower-case-name", lower, "HMAC under the public key, named in lower case.")
    lying = token(sign=_hmac(_public_texts()["spki-pem"], "sha256"))
    reason = "alg says RS256; the signature is an HMAC under the public key."
    yield Item("alg-hs256-called-rs256", FAMILY, lying, reason, "RFC 8725 3.1", "SignatureInvalid")


def _public_texts() -> dict[str, bytes]:
    """The forms of our public key, and other public values, that a careless server may key with."""
    public = rsa_key("one").public_key()
    spki = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jwk = entry(KID, "one")
    required = {name: jwk[name] for name in ("e", "kty", "n")}
    return {
        "spki-pem": spki,
        "spki-pem-stripped": spki.strip(),
        "spki-pem-crlf": spki.replace(b"\n", b"\r\n"),
        "spki-der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "pkcs1-pem": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "pkcs1-der": public.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        "certificate-pem": certificate("one").public_bytes(Encoding.PEM),
        "jwk": compact_json(jwk),
        "jwk-thumbprint-input": compact_json(required),
        "jwks": compact_json({"keys": [jwk]}),
        "modulus": public.public_numbers().n.to_bytes(256, "big"),
        "modulus-text": number(public.public_numbers().n).encode(),
        "kid": KID.encode(),
        "client-id": CLIENT.encode(),
        "empty": b"",
    }


def _hmac(secret: bytes, digest: str) -> Signer:
    return lambda message: hmac.digest(secret, message, digest)


def _other_signatures() -> Iterator[Item]:
    one = rsa_key("one")
    digests = {"384": hashes.SHA384(), "512": hashes.SHA512()}
    for bits, digest in digests.items():
        text = token(header(alg=f"RS{bits}"), sign=rs256(one, digest))
        yield _item(f"rs{bits}", text, f"A good RS{bits} signature by our key.", "RFC 8725 3.2")
    for bits, digest in ({"256": hashes.SHA256()} | digests).items():
        text = token(header(alg=f"PS{bits}"), sign=_pss(digest))
        yield _item(f"ps{bits}", text, f"A good PS{bits} signature by our key.", "RFC 8725 3.2")
    curves = {"ES256": ec.SECP256R1, "ES256K": ec.SECP256K1, "ES384": ec.SECP384R1}
    for alg, curve in curves.items():
        text = token(header(alg=alg, kid="ec-key"), sign=_ecdsa(curve))
        yield _item(alg.lower(), text, f"A good {alg} signature.", "RFC 8725 3.2")
    for name, octets in {"zero": bytes(64), "one": (bytes(31) + b"\1") * 2, "none": b""}.items():
        text = token(header(alg="ES256", kid="ec-key"), sign=lambda _, o=octets: o)
        yield _item(f"es256-{name}", text, f"ECDSA with r and s {name}.", "RFC 8725 3.3")
    text = token(header(alg="ES256"), sign=_ecdsa(ec.SECP256R1))
    yield _item("es256-under-rsa-kid", text, "ES256 with the kid of an RSA key.")
    for alg in ("EdDSA", "Ed25519"):
        text = token(header(alg=alg, kid="ed-key"), sign=ed_key().sign)
        yield _item(alg.lower(), text, f"A good {alg} signature.", "RFC 8725 3.2")


def _pss(digest: hashes.HashAlgorithm) -> Signer:
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
    return lambda message: rsa_key("one").sign(message, scheme, digest)


def _ecdsa(curve: type[ec.EllipticCurve]) -> Signer:
    size = (curve.key_size + 7) // 8

    def sign(message: bytes) -> bytes:
        der = ec_key(curve).sign(message, ec.ECDSA(hashes.SHA256()))
        return b"".join(value.to_bytes(size, "big") for value in decode_dss_signature(der))

    return sign


def _odd_names() -> Iterator[Item]:
    for name, alg in NAMES.items():
        text = token(header(alg=alg))
        yield _item(f"name-{name}", text, f"A good RS256 signature, but alg is {alg!a}.")
    yield _item("name-missing", token(header("alg")), "No alg.", "RFC 7515 4.1.1")
    capital = {"typ": "JWT", "Alg": "RS256", "kid": KID}
    yield _item("name-capital-member", token(capital), "'Alg' is not 'alg'.", "RFC 7515 4")
    inner = {"typ": "JWT", "kid": KID, "nonce": {"alg": "RS256"}}
    yield _item("name-nested", token(inner), "alg stands one level too deep.", "RFC 7515 4.1.1")


def _encrypting() -> Iterator[Item]:
    for alg in ENCRYPTING:
        text = token(header(alg=alg))
        reason = "A key-encryption algorithm in a signed token."
        yield _item(f"encrypting-{alg.lower()}", text, reason, "RFC 7518 4.1")
    head = header(alg="PBES2-HS256+A128KW", p2s=b64(bytes(16)), p2c=2**31 - 1)
    reason = "Asks for two thousand million rounds of PBKDF2."
    yield _item("encrypting-pbes2", token(head), reason, "RFC 8725 3.5")
