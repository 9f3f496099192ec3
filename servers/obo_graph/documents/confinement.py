"""How a process gives up all it does not need, before it looks at a document. Linux only."""

import ctypes
import os
import resource
import sys

from obo_graph.documents.syscalls import deny_the_dangerous

_DUMPABLE, _NO_NEW_PRIVILEGES = 4, 38  # PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS of linux/prctl.h
_NOBODY = 65534


def close_memory() -> None:
    """Let no other process of the same user read or change this one's memory (Linux; else nothing).

    For the server, whose memory holds tokens, and for the process that reads a document. It also
    ends core dumps and debuggers, as far as they are not root's. Programs started later undo it
    for themselves only.

    Raises:
        OSError: if the system does not allow it.
    """
    if sys.platform == "linux":
        _set(_DUMPABLE, 0)


def confine(memory_bytes: int, cpu_seconds: int) -> None:
    """From here on: no file or socket opened, nothing written to disk, no process or thread.

    Nor are signals sent, or other processes looked into, on x86_64 and aarch64 (`syscalls`); on
    other machines signals may still reach processes of the same user, this server included.
    What is open stays open, so everything must be imported before. At most `memory_bytes` of
    address space, and `cpu_seconds` of CPU before the kernel ends the process. A process of root
    becomes nobody first: root could raise its limits again.

    Raises:
        OSError: if the system does not allow it. The document must not be read then.
    """
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    close_memory()
    _set(_NO_NEW_PRIVILEGES, 1)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)  # SIGXCPU says why, before SIGKILL
    for kind in (
        resource.RLIMIT_CORE,
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_NPROC,
        resource.RLIMIT_NOFILE,
    ):
        _limit(kind, 0)
    deny_the_dangerous()


def _set(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _limit(kind: int, most: int, at_the_end: int | None = None) -> None:
    last = most if at_the_end is None else at_the_end
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most, last = min(most, hard), min(last, hard)
    resource.setrlimit(kind, (most, last))
