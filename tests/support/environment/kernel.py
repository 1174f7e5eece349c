"""What a test needs of the kernel: namespaces of its own, in which it mounts a small disk or cuts the network.

A decorated test runs in a thread with these namespaces, which the processes that it starts as new programs inherit, and
which end with them. Where the kernel refuses, the test is skipped with the reason: it has not run, and has not passed.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import pytest

NEW_MOUNTS, NEW_NETWORK = 0x00020000, 0x40000000  # CLONE_NEWNS, CLONE_NEWNET
GET_FLAGS, SET_FLAGS, IS_UP = 0x8913, 0x8914, 0x1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP
Test = Callable[..., None]


def not_run(why: str) -> NoReturn:
    pytest.skip(f"not run: {why}")


def with_own_mounts(test: Test) -> Test:
    return _isolated(test, NEW_MOUNTS, "mounts of its own")


def with_own_network(test: Test) -> Test:
    """The network has the loopback address only, and mounts are the test's own."""
    return _isolated(test, NEW_MOUNTS | NEW_NETWORK, "a network of its own")


def mount(*words: str | Path) -> None:
    done = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        not_run(f"mount is refused here: {done.stderr.strip()}")


def small_disk(folder: Path, size: str) -> None:
    """A disk of this size in memory at the empty `folder`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={size},mode=700", "penstock-tests", folder)


def enlarge(folder: Path, size: str) -> None:
    """Free space on a small disk."""
    mount("-o", f"remount,size={size}", folder)


def cut_network(*, off: bool = True) -> None:
    """Packets of the test's own network go nowhere, those of open connections too; or they arrive again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        name = b"lo".ljust(16, b"\0")
        [flags] = struct.unpack_from("h", fcntl.ioctl(handle, GET_FLAGS, name + bytes(16)), 16)
        changed = flags & ~IS_UP if off else flags | IS_UP
        fcntl.ioctl(handle, SET_FLAGS, name + struct.pack("h", changed).ljust(16, b"\0"))


def _isolated(test: Test, spaces: int, what: str) -> Test:
    @wraps(test)
    def isolated(*arguments: Any, **named: Any) -> None:
        with ThreadPoolExecutor(1) as thread:  # its thread ends with the test, and the namespaces with it
            thread.submit(_enter, spaces, what).result()
            thread.submit(test, *arguments, **named).result()

    return isolated


def _enter(spaces: int, what: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(spaces) != 0:
        not_run(f"the kernel gives the test no {what}: {os.strerror(ctypes.get_errno())}")
    mount("--make-rprivate", "/")
    if spaces & NEW_NETWORK:
        cut_network(off=False)
