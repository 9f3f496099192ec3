"""Where sign-ins are kept: the operating system's keyring, or files only their owner can read."""

import hashlib
import json
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msal_extensions
from msal_extensions.persistence import PersistenceDecryptionError, PersistenceNotFound

from obo_cli.folder import own_folder
from obo_cli.outcome import CommandFailed, ExitCode

_LAST_LOGIN = "last-login.json"
_BEYOND_REPAIR = "cannot be understood. Start anew: obo-mcp login --logout"
_POSIX = sys.platform != "win32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who signed in where: enough to renew the sign-in silently. No token, no sign-in name.

    `account` is the person's object id in the authority's tenant.
    """

    authority: str
    client_id: str
    scopes: tuple[str, ...]
    account: str
    ca_bundle: str | None = None


class OwnerOnlyFile:
    """One text in one file of mode 0600, replaced as a whole; shaped as msal-extensions wants it.

    A file that others can read, a link, or somebody else's file is refused, not repaired: who
    could read it may have read it already.
    """

    is_encrypted = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, content: str) -> None:
        """Write all of it beside the old file, then move it there."""
        fresh = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        fresh.replace(self._path)

    def load(self) -> str:
        """The text. Raises PersistenceNotFound without a file, CommandFailed for an unsafe one."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            raise PersistenceNotFound(location=str(self._path)) from None
        except OSError as failure:
            raise _refused(self._path, failure.strerror or "cannot be opened") from failure
        with os.fdopen(descriptor, encoding="utf-8") as file:
            _refuse_if_shared(self._path, os.fstat(descriptor), "600")
            return file.read()

    def time_last_modified(self) -> float:
        """Unix seconds. Raises PersistenceNotFound without a file."""
        try:
            return self._path.lstat().st_mtime
        except FileNotFoundError:
            raise PersistenceNotFound(location=str(self._path)) from None

    def get_location(self) -> str:
        """The file's path."""
        return str(self._path)


class CredentialStore:
    """A folder of sign-ins, one MSAL cache for each authority and client.

    `chosen` is a folder that the person named; without one the platform's configuration folder
    and, where there is one, the keyring are used.

    Raises:
        CommandFailed: the folder cannot be made, or others may enter it.
    """

    def __init__(self, chosen: Path | None = None) -> None:
        self._may_use_keyring = chosen is None
        try:
            self.folder = chosen or own_folder()
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_if_shared(self.folder, self.folder.stat(), "700")
        except OSError as failure:
            why = failure.strerror or "cannot be made"
            raise _refused(Path(failure.filename), why) from failure

    def cache(self, authority: str, client_id: str) -> Any:
        """MSAL's token cache for one authority and client; writes itself back under a lock.

        Raises:
            CommandFailed: what is kept is open to others or cannot be read.
        """
        persistence = self._persistence(authority, client_id)
        _check_readable(persistence)
        return msal_extensions.PersistedTokenCache(persistence)

    def kept_in(self, authority: str, client_id: str) -> str:
        """Where the tokens lie, in words for people."""
        persistence = self._persistence(authority, client_id)
        keyring = persistence.is_encrypted and _POSIX
        return "the keyring" if keyring else str(persistence.get_location())

    def remember(self, login: Login) -> None:
        """Make `login` the one that `last` gives back."""
        with _readable_failures(self.folder):
            OwnerOnlyFile(self.folder / _LAST_LOGIN).save(json.dumps(asdict(login)))

    def last(self) -> Login | None:
        """The sign-in remembered last, or None.

        Raises:
            CommandFailed: the file is open to others, or is not one of ours.
        """
        file = OwnerOnlyFile(self.folder / _LAST_LOGIN)
        try:
            return _login(json.loads(file.load()))
        except PersistenceNotFound:
            return None
        except (ValueError, TypeError, KeyError, OSError):
            raise _refused(self.folder / _LAST_LOGIN, _BEYOND_REPAIR) from None

    def forget(self, login: Login) -> None:
        """Sign out: drop every token of this authority and client, and the memory of it."""
        with _readable_failures(self.folder):
            _emptied(self._persistence(login.authority, login.client_id))
            (self.folder / _LAST_LOGIN).unlink(missing_ok=True)

    def forget_all(self) -> None:
        """Sign out of everything, whatever state the files are in.

        Raises:
            CommandFailed: a file cannot be removed.
        """
        with _readable_failures(self.folder):
            for path in self.folder.glob("tokens-*.json"):
                _emptied(self._persistence_at(path))
                path.unlink(missing_ok=True)
            (self.folder / _LAST_LOGIN).unlink(missing_ok=True)

    def _persistence(self, authority: str, client_id: str) -> Any:
        name = hashlib.sha256(f"{authority}|{client_id}".encode()).hexdigest()[:24]
        return self._persistence_at(self.folder / f"tokens-{name}.json")

    def _persistence_at(self, path: Path) -> Any:
        if self._may_use_keyring or not _POSIX:
            try:
                return msal_extensions.build_encrypted_persistence(str(path))
            except Exception:  # noqa: BLE001, S110 - each platform's keyring fails in its own way; the file is the answer to all
                pass
        return OwnerOnlyFile(path)


def _check_readable(persistence: Any) -> None:
    """Look once before MSAL does: it would try a bad file three times, and hide the reason."""
    try:
        json.loads(persistence.load())
    except PersistenceNotFound:
        pass
    except (ValueError, OSError, PersistenceDecryptionError):
        path = Path(persistence.get_location())
        raise _refused(path, _BEYOND_REPAIR) from None


def _emptied(persistence: Any) -> None:
    persistence.save("{}")
    if not persistence.is_encrypted:
        Path(persistence.get_location()).unlink()


def _login(members: Any) -> Login:
    """Raises ValueError, TypeError or KeyError when `members` were not written by `remember`."""
    found = Login(**(members | {"scopes": tuple(members["scopes"])}))
    texts = (found.authority, found.client_id, found.account, found.ca_bundle or "", *found.scopes)
    if not (found.scopes and all(isinstance(text, str) for text in texts)):
        raise ValueError("not a sign-in")
    return found


def _refuse_if_shared(path: Path, status: os.stat_result, mode: str) -> None:
    if not _POSIX:
        return
    if status.st_uid != os.getuid():
        raise _refused(path, "belongs to somebody else")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise _refused(path, f"is open to other people. If you trust it still: chmod {mode} it")


def _refused(path: Path, why: str) -> CommandFailed:
    return CommandFailed(ExitCode.USAGE, f"Sign-ins cannot be kept safely: {path} {why}")


@contextmanager
def _readable_failures(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise _refused(folder, failure.strerror or "cannot be written") from failure
