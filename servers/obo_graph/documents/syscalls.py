"""System calls that a process gives up for good (seccomp_filter of the Linux kernel)."""

import ctypes
import errno
import platform
import struct
from types import MappingProxyType

_PR_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _RETURN, _IF_EQUAL, _IF_AT_LEAST = 0x20, 0x06, 0x15, 0x35
_NUMBER, _ARCHITECTURE = 0, 4  # where they are in struct seccomp_data
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.EPERM
_X32 = 0x40000000

# In this order: kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, ptrace, process_vm_readv,
# process_vm_writev, prlimit64, setpriority, socket, socketpair, execve, execveat.
_X86_64 = (62, 200, 234, 129, 297, 101, 310, 311, 302, 141, 41, 53, 59, 322)
_AARCH64 = (129, 130, 131, 138, 240, 117, 270, 271, 261, 140, 198, 199, 221, 281)
# The same everywhere: pidfd_send_signal, pidfd_open, pidfd_getfd, process_madvise, io_uring_setup.
_NEWER = (424, 434, 438, 440, 425)
_MACHINES = MappingProxyType(
    {"x86_64": (0xC000003E, _X86_64 + _NEWER), "aarch64": (0xC00000B7, _AARCH64 + _NEWER)}
)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def deny_the_dangerous() -> None:
    """From here on: no signal, no other process's memory or limits, no socket, no program.

    Each of these fails with EPERM. On a machine that is neither x86_64 nor aarch64 nothing changes.
    PR_SET_NO_NEW_PRIVS must be set.

    Raises:
        OSError: if the system does not allow it.
    """
    if platform.machine() not in _MACHINES:
        return
    architecture, denied = _MACHINES[platform.machine()]
    last = len(denied)
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, last + 3, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, last + 1, 0, _X32),
        *((_IF_EQUAL, last - at, 0, number) for at, number in enumerate(denied)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
    ]
    program = _Program(len(steps), b"".join(struct.pack("=HBBI", *step) for step in steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
