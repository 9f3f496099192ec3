"""Family "algorithm", second half: alg says RS256, and the signature is something else."""

import base64
import hashlib
import itertools
from collections.abc import Iterator

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from vectors.forging.material import (
    Item,
    Signer,
    b64,
    compact_json,
    header,
    person,
    rs256,
    rsa_key,
    said,
    token,
)

FAMILY = "algorithm"
SIZE = 256
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
NO_NULL_INFO = bytes.fromhex("302f300b0609608648016503040201" + "0420")
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")
LONG_FORM_INFO = bytes.fromhex("308131300d060960864801650304020105000420")
SHA512_OID_INFO = bytes.fromhex("3031300d060960864801650304020305000420")


def items() -> Iterator[Item]:
    yield from _item_of_each(_other_schemes(), "RFC 8725 3.1")
    yield from _item_of_each(_paddings(), "RFC 8017 8.2.2")
    yield from _item_of_each(_numbers(), "RFC 8017 8.2.2")
    yield from _item_of_each(_other_messages(), "RFC 7515 5.2")
    reason = "The padding stops early and the cube root fills the rest (Bleichenbacher 2006)."
    text = token(header(kid="cubic-key"), sign=_cube_root)
    yield Item("alg-sig-cube-root", FAMILY, text, reason, "RFC 8017 8.2.2", "SignatureInvalid")
    reason = "A good signature plus the modulus."
    yield Item("alg-sig-beyond", FAMILY, _beyond(), reason, "RFC 8017 5.2.2", "SignatureInvalid")


def _item_of_each(signers: dict[str, tuple[Signer, str]], clause: str) -> Iterator[Item]:
    for name, (sign, reason) in signers.items():
        text = token(sign=sign)
        yield Item(f"alg-sig-{name}", FAMILY, text, reason, clause, "SignatureInvalid")


def _good(message: bytes) -> bytes:
    return rs256(rsa_key("one"))(message)


def _other_schemes() -> dict[str, tuple[Signer, str]]:
    one = rsa_key("one")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    return {
        "sha1": (_block(SHA1_INFO, "sha1"), "alg says RS256; the digest is SHA-1."),
        "sha384": (rs256(one, hashes.SHA384()), "alg says RS256; the digest is SHA-384."),
        "sha512": (rs256(one, hashes.SHA512()), "alg says RS256; the digest is SHA-512."),
        "pss": (lambda m: one.sign(m, pss, hashes.SHA256()), "alg says RS256; PSS was used."),
        "digest-only": (lambda m: hashlib.sha256(m).digest(), "A digest, signed by nobody."),
        "other-oid": (_block(SHA512_OID_INFO), "A SHA-256 digest under the name of SHA-512."),
    }


def _paddings() -> dict[str, tuple[Signer, str]]:
    return {
        "no-null": (_block(NO_NULL_INFO), "DigestInfo without its NULL parameters."),
        "long-form": (_block(LONG_FORM_INFO), "DigestInfo with a length in the BER long form."),
        "no-digest-info": (_block(b""), "The padding holds the bare digest."),
        "type-two": (_block(SHA256_INFO, kind=b"\0\2"), "Padding of block type 2."),
        "type-zero": (_block(SHA256_INFO, kind=b"\0\0"), "Padding of block type 0."),
        "other-filling": (_block(SHA256_INFO, fill=b"\xfe"), "Padding with FE in place of FF."),
        "zero-filling": (_block(SHA256_INFO, fill=b"\0"), "Padding with zeros."),
        "trailing": (_block(SHA256_INFO, after=bytes(16)), "Bytes follow the digest."),
        "no-separator": (_block(SHA256_INFO, stop=b"\xff"), "No zero after the padding."),
        "encrypted-block": (_unsigned_block, "The padded digest itself, no private key used."),
    }


def _numbers() -> dict[str, tuple[Signer, str]]:
    modulus = rsa_key("one").public_key().public_numbers().n
    return {
        "zero": (lambda _: bytes(SIZE), "The signature is 0."),
        "one": (lambda _: (1).to_bytes(SIZE, "big"), "The signature is 1."),
        "modulus": (lambda _: modulus.to_bytes(SIZE, "big"), "The signature is the modulus."),
        "modulus-less-one": (lambda _: (modulus - 1).to_bytes(SIZE, "big"), "It is n - 1."),
        "all-ones": (lambda _: b"\xff" * SIZE, "Every bit is set."),
        "bit-flipped": (lambda m: _flip(_good(m)), "One bit of a good signature is flipped."),
        "reversed": (lambda m: _good(m)[::-1], "A good signature, last byte first."),
        "cut": (lambda m: _good(m)[:-1], "A good signature without its last byte."),
        "half": (lambda m: _good(m)[:128], "Half of a good signature."),
        "longer": (lambda m: _good(m) + b"\0", "A good signature and a zero."),
        "leading-zero": (lambda m: b"\0" + _good(m), "A zero and a good signature."),
        "twice": (lambda m: _good(m) * 2, "A good signature, twice."),
        "one-byte": (lambda _: b"\1", "A signature of one byte."),
        "hex": (lambda m: _good(m).hex().encode(), "A good signature in hexadecimal."),
        "encoded-twice": (lambda m: b64(_good(m)).encode(), "A good signature in base64url twice."),
        "pem": (lambda m: base64.encodebytes(_good(m)), "A good signature in lines of base64."),
        "very-long": (lambda m: _good(m) + bytes(4096), "A good signature and 4 KiB."),
    }


def _other_messages() -> dict[str, tuple[Signer, str]]:
    def over(change: bytes | None = None) -> Signer:
        return lambda m: _good(m.partition(b".")[2] if change is None else change)

    other = said(oid="aaaaaaaa-3b0a-4a7e-9a43-5d8f21c7e601").rpartition(".")[0].encode()
    plain = compact_json(header()) + b"." + compact_json(person())
    return {
        "payload-only": (over(), "Signed over the payload only."),
        "header-only": (lambda m: _good(m.partition(b".")[0]), "Signed over the header only."),
        "decoded": (over(plain), "Signed over the JSON, not over its base64url."),
        "joined": (lambda m: _good(m.replace(b".", b"")), "Signed without the dot."),
        "newline": (lambda m: _good(m + b"\n"), "Signed with a newline at the end."),
        "trailing-dot": (lambda m: _good(m + b"."), "Signed with one more dot."),
        "empty": (over(b""), "Signed over nothing."),
        "other-person": (over(other), "The signature of another person's token."),
        "hashed-before": (lambda m: _good(hashlib.sha256(m).digest()), "Hashed twice."),
        "utf-16": (lambda m: _good(m.decode().encode("utf-16")), "Signed over UTF-16."),
    }


def _block(
    info: bytes, digest: str = "sha256", *,
    kind: bytes = b"\0\1", fill: bytes = b"\xff", stop: bytes = b"\0", after: bytes = b"",
) -> Signer:  # fmt: skip
    """Sign with a padding of our own making (EMSA-PKCS1-v1_5, RFC 8017 section 9.2)."""

    def sign(message: bytes) -> bytes:
        end = stop + info + hashlib.new(digest, message).digest() + after
        return _raw(rsa_key("one"), kind + fill * (SIZE - len(kind) - len(end)) + end)

    return sign


def _raw(key: RSAPrivateKey, block: bytes) -> bytes:
    numbers = key.private_numbers()
    value = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
    return value.to_bytes(SIZE, "big")


def _unsigned_block(message: bytes) -> bytes:
    end = b"\0" + SHA256_INFO + hashlib.sha256(message).digest()
    return b"\0\1" + b"\xff" * (SIZE - 2 - len(end)) + end


def _beyond() -> str:
    """A good signature plus the modulus: the same number to RSA, if it still fits 256 bytes."""
    modulus = rsa_key("one").public_key().public_numbers().n
    for turn in itertools.count():
        signed, _, signature = said(uti=f"turn-{turn}").rpartition(".")
        value = int.from_bytes(base64.urlsafe_b64decode(signature + "=="), "big") + modulus
        if value.bit_length() <= 8 * SIZE:
            return f"{signed}.{b64(value.to_bytes(SIZE, 'big'))}"
    raise AssertionError  # one in three or so fits


def _flip(octets: bytes) -> bytes:
    return octets[:100] + bytes([octets[100] ^ 1]) + octets[101:]


def _cube_root(message: bytes) -> bytes:
    start = b"\0\1" + b"\xff" * 8 + b"\0" + SHA256_INFO + hashlib.sha256(message).digest()
    limit = int.from_bytes(start + b"\xff" * (SIZE - len(start)), "big")
    low, high = 0, 1 << (limit.bit_length() // 3 + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= limit else (low, middle)
    return low.to_bytes(SIZE, "big")
