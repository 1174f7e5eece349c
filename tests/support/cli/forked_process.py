"""`penstock` as a separate process without the second of imports: forked from a process that has imported everything.

`Process` is a `subprocess.Popen` and `run` a `subprocess.run` of a Python command (`-m penstock …`, a script, `-c code`).
What a test can do to a process it can do to these: pipes, signals, kill -9, exit codes. Not for what measures the start
itself, or needs `preexec_fn`.
"""

import atexit
import gc
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

STATUS = 4  # bytes; first the process's id, then its exit status
LONGEST = 1 << 20


class Process(subprocess.Popen):
    """Started by fork; `arguments` are those of `python`."""

    def __init__(self, arguments: list[Any], **options: Any) -> None:
        super().__init__([sys.executable, *map(str, arguments)], **options)

    def _execute_child(self, args, _executable, preexec_fn, _close, _pass, cwd, env, *rest) -> None:
        assert preexec_fn is None
        pipes = rest[3:9]
        ends = [end if end != -1 else number for number, end in enumerate((pipes[0], pipes[3], pipes[5]))]
        self._ended, status_end = os.pipe()
        try:
            request = {"arguments": args[1:], "cwd": os.fspath(cwd or Path.cwd()), "env": dict(env or os.environ)}
            _ask(request, [*ends, status_end])
        finally:
            os.close(status_end)
        self.pid = int.from_bytes(os.read(self._ended, STATUS), "big")
        assert self.pid, "nothing was forked"
        self._child_created = True
        self._close_pipe_fds(*pipes)

    def _internal_poll(self, _deadstate=None) -> int | None:
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self._handle_exitstatus(self._told())
        return self.returncode

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if wait_flags == os.WNOHANG and not select.select([self._ended], [], [], 0)[0]:
            return 0, 0
        return self.pid, self._told()

    def _told(self) -> int:
        status = int.from_bytes(os.read(self._ended, STATUS), "big")
        os.close(self._ended)
        return status


def run(
    arguments: list[Any],
    *,
    input: str | bytes | None = None,  # noqa: A002 - as subprocess calls it
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **options: Any,
) -> subprocess.CompletedProcess:
    if input is not None:
        options["stdin"] = subprocess.PIPE
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Process(arguments, **options) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


# ── the process that is forked ───────────────────────────────────────────────

_turn = threading.Lock()


@lru_cache(maxsize=1)
def _mother() -> socket.socket:
    """The process to fork from. It starts when first needed, and ends when this end of the socket is closed."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    environ = {**os.environ, **one_thread}
    process = subprocess.Popen([sys.executable, __file__, str(its.fileno())], pass_fds=[its.fileno()], env=environ)
    its.close()
    atexit.register(lambda: (ours.close(), process.wait(10)))
    return ours


def _ask(request: dict[str, Any], handles: list[int]) -> None:
    with _turn:
        mother = _mother()
        mother.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
        socket.send_fds(mother, [json.dumps(request).encode()], handles)


def _import_everything() -> None:
    import penstock

    for module in pkgutil.walk_packages(penstock.__path__, "penstock."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            __import__(module.name)
    for name in (
        "apprise",
        "argon2",
        "dbos",
        "duckdb",
        "psycopg",
        "pyarrow.csv",
        "pyarrow.parquet",
        "uvicorn",
        "uvloop",
    ):
        __import__(name)
    sys.modules["penstock.templates.catalogue"].load_catalogue()
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a process with threads cannot be forked safely"


def _serve(asked: socket.socket) -> dict[str, Any]:
    """Fork for each request; returns the request, in the fork."""
    children: dict[int, int] = {}
    ends, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([asked, ends], [], [])
        if ends in ready:
            os.read(ends, 4096)
            _bury(children)
        if asked in ready:
            text, handles, _, _ = socket.recv_fds(asked, LONGEST, 4)
            if not text:
                os._exit(0)
            *standard, status_end = handles
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                for handle in (ends, end, status_end, *children.values()):
                    os.close(handle)
                asked.close()
                for number, handle in enumerate(standard):
                    os.dup2(handle, number)
                    os.close(handle)
                return json.loads(text)
            children[child] = status_end
            os.write(status_end, child.to_bytes(STATUS, "big"))
            for handle in standard:
                os.close(handle)


def _bury(children: dict[int, int]) -> None:
    while children:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        status_end = children.pop(child)
        with suppress(BrokenPipeError):  # nobody waits for it any more
            os.write(status_end, status.to_bytes(STATUS, "big"))
        os.close(status_end)


def _be(arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Reset this process to the state of a new one."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "w", closefd=False)), encoding="utf-8"
    )
    err = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        err, encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    match arguments:
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code, *rest]:
            sys.argv = ["-c", *rest]
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        case [script, *rest]:
            sys.argv = [script, *rest]
            sys.path.insert(0, os.path.dirname(script))  # noqa: PTH120
            runpy.run_path(script, run_name="__main__")


def _end(error: BaseException | None) -> None:
    """End as Python does, without the teardown of modules, which takes as long as importing them."""
    code = error.code if isinstance(error, SystemExit) else 0 if error is None else 1
    if error is not None and not isinstance(error, SystemExit):
        traceback.print_exception(error)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _forked() -> None:
    _import_everything()
    gc.collect()
    gc.freeze()
    wanted = _serve(socket.socket(fileno=int(sys.argv[1])))
    error: BaseException | None = None
    try:
        _be(**wanted)
    except BaseException as raised:
        error = raised
    _end(error)


if __name__ == "__main__":
    _forked()
