"""Grouping code: what it can do, and that it can do nothing else."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.model.errors import EnvironmentFailure, InputError
from penstock.usercode import grouping_code
from penstock.usercode.grouping_code import CodeFailed, GroupingCode

RECORDS = [{"id": "007", "n": 2**70, "f": 1.5, "t": True, "z": None, "l": [1, {"é": "😀\u0001"}]}, {"id": "", "n": 0}]


def run(body, records=RECORDS, **limits):
    with GroupingCode(f"def batch(records):\n    {body}\n", **limits) as code:
        return code.bodies(records)


def failure(body, **limits):
    with pytest.raises(CodeFailed) as caught:
        run(body, **{"seconds": 0.3, "memory_mb": 16} | limits)
    return caught.value


def test_records_and_bodies_are_passed_unchanged():
    assert run("return {'records': records, 'count': len(records)}") == [{"records": RECORDS, "count": 2}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def echo():
    with GroupingCode("def batch(records):\n    return {'r': records}") as code:
        yield code


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_json_record_comes_back_as_it_was(echo, records):
    assert repr(echo.bodies(records)) == repr([{"r": records}])


def test_a_list_means_several_bodies():
    assert run("return [{'id': r['id']} for r in records]") == [{"id": "007"}, {"id": ""}]


def test_no_batch_sees_values_of_another_batch():
    with GroupingCode("seen = []\ndef batch(records):\n    seen.append(1)\n    return {'seen': len(seen)}") as code:
        assert [code.bodies([]) for _ in range(3)] == [[{"seen": 1}]] * 3


def test_random_numbers_are_the_same_in_every_call():
    assert run("import random\n    return random.random()") == run("import random\n    return random.random()")


ESCAPES = {
    "open a file": "return open('/etc/passwd').read()",
    "write a file": "open('/tmp/penstock-escaped', 'w').write('x')",
    "a path": "import pathlib\n    return pathlib.Path('/etc/passwd').read_text()",
    "list a folder": "import os\n    return os.listdir('/')",
    "environment": "import os\n    return dict(os.environ)",
    "getenv": "import os\n    return os.getenv('HOME') + ''",
    "socket": "import socket\n    return 1",
    "http": "import urllib.request\n    return 1",
    "process": "import subprocess\n    return 1",
    "system": "import os\n    os.system('id')",
    "host module": "import penstock\n    return 1",
    "third-party module": "import orjson\n    return 1",
    "import function": "return __import__('os').getcwd()",
    "importlib": "import importlib\n    return 1",
    "builtins": "return __builtins__['open']",
    "bases": "return ().__class__.__bases__[0].__subclasses__()",
    "mro": "return type(records).__mro__[-1].__subclasses__()",
    "getattr": "return getattr(getattr(records, '__class__'), '__base__')",
    "function globals": "return batch.__globals__",
    "frame": "import sys\n    return sys._getframe()",
    "eval": "return eval('open(\"/etc/passwd\").read()')",
    "exec": "exec('import socket')",
    "clock": "import time\n    return time.time()",
    "date": "import datetime\n    return str(datetime.datetime.now())",
    "ctypes": "import ctypes\n    return 1",
    "garbage": "import gc\n    return gc.get_objects()",
}


@pytest.mark.parametrize("body", ESCAPES.values(), ids=ESCAPES)
def test_the_code_reaches_nothing_of_the_host(body):
    failed = failure(body)
    assert failed.line is not None
    source = ("def batch(records):\n    " + body).splitlines()[failed.line - 1].strip()
    assert f"line {failed.line} ({source[:80]}): " in failed.reason
    assert not Path("/tmp/penstock-escaped").exists()


BOMBS = {
    "endless loop": ("while True: pass", "longer than 0.3 s"),
    "endless in one call": ("sum(range(10**15))", "longer than 0.3 s"),
    "endless printing": ("while True: print('x' * 1000)", "longer than 0.3 s"),
    "memory at once": ("x = 'a' * 10**10", "more memory than 16 MB"),
    "memory by and by": ("x = []\n    while True: x.append('a' * 1000)", "more memory than 16 MB"),
    "big number": ("x = 7 ** 10**10", "more memory than 16 MB"),
    "recursion": ("return batch(records)", "RecursionError"),
    "deep result": ("x = []\n    for _ in range(10000): x = [x]\n    return x", "RecursionError"),
    "huge output": ("return ['x' * 1000] * 10**5", "memory"),
}


@pytest.mark.parametrize(("body", "says"), BOMBS.values(), ids=BOMBS)
def test_code_that_exceeds_a_limit_is_stopped_with_the_reason(body, says):
    patience = {} if "0.3 s" in says else {"seconds": 30}  # on a busy machine the memory fills slowly
    failed = failure(body, **patience)
    assert says in failed.reason
    assert failed.line is not None


def test_the_output_is_bounded_even_if_memory_allows_more():
    assert "returned more than" in failure("return {'x': ['x' * 1000] * 20000}", memory_mb=256, seconds=5).reason


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return {1, 2}", "set is not JSON"),
        ("return lambda: 1", "function is not JSON"),
        ("return {'n': float('nan')}", "nan"),
        ("return b'x'", "bytes"),
        ("x = []\n    x.append(x)\n    return x", "Circular"),
        ("pass", "is a return missing"),
        ("return [1, None]", "is a return missing"),
        ("return []", "empty list"),
        ("return records[9]", "line 2 (return records[9]): IndexError"),
        (
            "raise ValueError('no ' + records[0]['id'])",
            "line 2 (raise ValueError('no ' + records[0]['id'])): ValueError: no 007",
        ),
    ],
)
def test_a_failure_names_its_cause(body, says):
    failed = failure(body)
    assert says in failed.reason
    assert failed.refusal.rule == "code"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def batch(records)\n    return 1", "line 1: expected ':'"),
        ("def batch(records):\n  x = 1\n return x", "line 3"),
        ("x = 1", "lacks `def batch(records):`"),
        ("", "lacks `def batch(records):`"),
        ("batch = 5", "not a function"),
        ("def batch():\n    return 1", "exactly one argument"),
        ("def batch(a, b):\n    return 1", "exactly one argument"),
        ("async def batch(records):\n    return 1", "not async"),
        ("import requests\ndef batch(records):\n    return 1", "line 1 (import requests)"),
        ("def batch(records):\n    yield 1", "line 2"),
        ("x = 1 / 0\ndef batch(records):\n    return 1", "line 1 (x = 1 / 0): ZeroDivisionError"),
        ("while True: pass\ndef batch(records):\n    return 1", "longer than 0.3 s"),
        ("(" * 5000, "grouping code"),
        ("x\0", "grouping code"),
    ],
)
def test_code_that_cannot_run_is_a_configuration_error(code, says):
    with pytest.raises(InputError) as caught:
        GroupingCode(code, seconds=0.3, path="destinations.raw.request.batch.grouping.code")
    (problem,) = caught.value.problems
    assert says in problem.message
    assert (problem.code, problem.path) == ("bad-code", "destinations.raw.request.batch.grouping.code")
    assert "def batch(records):" in problem.hint


@pytest.mark.parametrize(
    "code",
    [
        "batch = lambda records: {'n': 1}",
        "def batch(records, *, n=1):\n    return {'n': n}",
        "def batch(*a):\n    return {'n': len(a)}",
    ],
)
def test_other_ways_to_write_batch_work(code):
    with GroupingCode(code) as ready:
        assert ready.bodies([]) == [{"n": 1}]


def test_a_dead_sandbox_process_fails_one_batch_only(monkeypatch):
    body = "if records[0]['slow']:\n        while True: print('at work')\n    return {'ok': True}"
    with GroupingCode(f"def batch(records):\n    {body}\n", seconds=5) as code:
        with code._session() as session:
            worker = session.worker_pid
        monkeypatch.setattr(grouping_code, "_discard", lambda _stream, _text: os.kill(worker, signal.SIGKILL))
        with pytest.raises(CodeFailed, match="the sandbox process died while it ran batch"):
            code.bodies([{"slow": True}])
        monkeypatch.undo()
        assert code.bodies([{"slow": False}]) == [{"ok": True}]


def test_calls_of_several_threads_run_one_after_the_other(echo):
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda n: echo.bodies([{"n": n}]), range(20)))
    assert done == [[{"r": [{"n": n}]}] for n in range(20)]


def test_a_missing_interpreter_is_a_failure_of_the_environment(monkeypatch):
    monkeypatch.setenv("MONTY_BIN", "/nowhere/monty")
    with pytest.raises(EnvironmentFailure, match="does not start"):
        GroupingCode("def batch(records):\n    return 1")


def test_code_used_outside_its_with_block_is_an_error():
    with pytest.raises(RuntimeError, match="with block"):
        GroupingCode("def batch(records):\n    return 1").bodies([])
    assert grouping_code.SIGNATURE == "def batch(records):"
