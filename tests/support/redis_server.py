"""A real redis-server on a free loopback port, in a folder of its own, stopped by its own handle.

A machine without the programs skips the test; with OBO_MCP_REQUIRE_REDIS=1 it fails instead.
"""

import datetime as dt
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
PATIENCE_SECONDS = 30
CLUSTER_SLOTS = 16384


def program(name: str) -> str:
    """The one place that decides what a missing Redis means."""
    path = shutil.which(name)
    if path is None and os.environ.get("OBO_MCP_REQUIRE_REDIS") == "1":
        pytest.fail(f"OBO_MCP_REQUIRE_REDIS is set, and {name} is not on this machine")
    if path is None:
        pytest.skip(f"{name} is not on this machine")
    return path


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        listeners = [held.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


class RedisServer:
    """`with RedisServer(folder, "appendonly yes") as server: server.url`; lines are redis.conf's.

    `tls` is a Certificate: the server then speaks TLS only. `login` goes into `url`; `admin`, if
    the configuration locks the default user out, is (user, password) for `command`.
    """

    READY = "Ready to accept connections"

    def __init__(self, folder, *lines, tls=None, login="", admin=None, port=None):
        self.program = program("redis-server")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_ports(1)[0]
        self.tls, self.login, self.admin = tls, login, admin
        self.socket_path = self.folder / "redis.sock"
        self._lines = lines
        self._process = None

    def configuration(self):
        yield f"dir {self.folder}"
        yield f"bind {HOST}"
        if self.tls:
            yield f"port 0\ntls-port {self.port}\ntls-auth-clients no"
            yield f"tls-cert-file {self.tls.certificate}\ntls-key-file {self.tls.key}"
            yield f"tls-ca-cert-file {self.tls.certificate}"
        else:
            yield f"port {self.port}"
        yield f'unixsocket {self.socket_path}\nsave ""'
        yield from self._lines

    @property
    def url(self) -> str:
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{self.login}{HOST}:{self.port}"

    def start(self) -> Self:
        """Start, or start again after `kill`, with whatever lies in the folder."""
        written = self.folder / "redis.conf"
        if not written.exists():
            written.write_text("\n".join(self.configuration()) + "\n")
        self._process = subprocess.Popen(
            [self.program, written, *self.arguments()],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._said = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._reader.start()
        try:
            self.wait_until_it_says(self.READY)
        except AssertionError:
            self.kill()
            raise
        return self

    def arguments(self):
        return []

    def _listen(self, process):
        with process.stdout as lines:
            for line in lines:
                with self._news:
                    self._said.append(line)
                    self._news.notify_all()
        with self._news:
            self._said.append("(end)")
            self._news.notify_all()

    def wait_until_it_says(self, words):
        def heard():
            return any(words in line for line in self._said) or self._said[-1:] == ["(end)"]

        with self._news:
            assert self._news.wait_for(heard, PATIENCE_SECONDS), f"never said: {words}"
            assert any(words in line for line in self._said), "".join(self._said)

    def kill(self):
        """kill -9."""
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)

    @contextmanager
    def frozen(self):
        """SIGSTOP; SIGCONT at the end. Connections are still accepted, by the kernel."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.kill()

    # --- what a look at the machine shows ---

    def connection(self):
        """A socket of our own: what is asserted does not rest on the library under test."""
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(PATIENCE_SECONDS)
        line.connect(str(self.socket_path))
        stream = line.makefile("rwb")
        line.close()
        if self.admin:
            asked(stream, "AUTH", *self.admin)
        return stream

    def command(self, *words):
        with self.connection() as stream:
            return asked(stream, *words)

    def dump(self) -> bytes:
        """The RDB file, after SAVE."""
        assert self.command("SAVE") == b"OK"
        return (self.folder / "dump.rdb").read_bytes()

    def append_only_file(self) -> bytes:
        files = sorted((self.folder / "appendonlydir").iterdir())
        return b"".join(path.read_bytes() for path in files)

    @contextmanager
    def monitored(self):
        """All commands as MONITOR shows them: a list that is whole when the block has ended."""
        with self.connection() as stream:
            asked(stream, "MONITOR")
            seen = []
            yield seen
            self.command("PING", "the-end")
            while b"the-end" not in (line := stream.readline()):
                seen.append(line)


def asked(stream, *words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    stream.write(b"*%d\r\n" % len(parts))
    stream.write(b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
    stream.flush()
    return _answer(stream)


def _answer(stream):
    line = stream.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        raise AssertionError(rest.decode())
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return [_answer(stream) for _ in range(int(rest))]
    return int(rest) if kind == b":" else rest


# --- more than one -------------------------------------------------------------------------------


class Sentinel(RedisServer):
    """Watches `primary` as `service`, and alone decides when it is down."""

    READY = "+monitor"

    def __init__(self, folder, primary: RedisServer, *, service="obo"):
        super().__init__(folder)
        program("redis-sentinel")
        self.service, self.primary = service, primary

    def configuration(self):
        yield f"dir {self.folder}\nbind {HOST}\nport {self.port}\nunixsocket {self.socket_path}"
        yield f"sentinel monitor {self.service} {HOST} {self.primary.port} 1"
        yield f"sentinel down-after-milliseconds {self.service} 1500"
        yield f"sentinel failover-timeout {self.service} 3000"
        if self.primary.admin:
            user, password = self.primary.admin
            yield f"sentinel auth-user {self.service} {user}"
            yield f"sentinel auth-pass {self.service} {password}"

    def arguments(self):
        return ["--sentinel"]


@contextmanager
def sentinel_pair(folder: Path, *lines, login="", admin=None):
    """(primary, replica, sentinel), the sentinel aware of the replica."""
    who = {"login": login, "admin": admin}
    if admin:
        lines = (*lines, f"masteruser {admin[0]}", f"masterauth {admin[1]}")
    with ExitStack() as running:
        primary = running.enter_context(
            RedisServer(folder / "primary", "repl-diskless-sync-delay 0", *lines, **who)
        )
        follow = f"replicaof {HOST} {primary.port}"
        replica = running.enter_context(RedisServer(folder / "replica", follow, *lines, **who))
        replica.wait_until_it_says("Finished with success")
        sentinel = running.enter_context(Sentinel(folder / "sentinel", primary))
        sentinel.wait_until_it_says("+slave")
        yield primary, replica, sentinel


@contextmanager
def cluster(folder: Path, *more, nodes: int = 3, tls=None, login="", admin=None):
    """A cluster whose slots are shared out evenly."""
    lines = ["cluster-enabled yes", "cluster-node-timeout 2000", *more]
    if tls:
        lines += ["tls-cluster yes"]
    who = {"tls": tls, "login": login, "admin": admin}
    with ExitStack() as running:
        found = free_ports(2 * nodes)
        ports, buses = found[:nodes], found[nodes:]
        servers = [
            running.enter_context(
                RedisServer(folder / str(port), *lines, f"cluster-port {bus}", port=port, **who)
            )
            for port, bus in zip(ports, buses, strict=True)
        ]
        share = -(-CLUSTER_SLOTS // nodes)
        for number, server in enumerate(servers):
            last = min(CLUSTER_SLOTS, (number + 1) * share) - 1
            server.command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
            server.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for other, bus in zip(servers[1:], buses[1:], strict=True):
            servers[0].command("CLUSTER", "MEET", HOST, other.port, bus)
        for server in servers:
            server.wait_until_it_says("Cluster state changed: ok")
        yield servers


# --- TLS -----------------------------------------------------------------------------------------


class Certificate:
    """A self-signed certificate for 127.0.0.1, which is its own root."""

    def __init__(self, folder: Path, *, address: str = HOST) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis of a test")])
        san = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        signed = (
            x509.CertificateBuilder()
            .subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
            .not_valid_after(dt.datetime(2090, 1, 1, tzinfo=dt.UTC))
            .add_extension(san, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        self.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
