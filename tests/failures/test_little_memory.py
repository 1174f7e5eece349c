"""A run over a CSV file of a million records on a machine with 512 MB of memory.

Where the kernel makes no control group with that limit, the largest resident size of the process is measured alone.
"""

import json
import os

from support.environment.memory_limit import limited_memory
from support.environment.sending import sending
from support.servers.sandbox import running_sandbox

RECORDS, BATCH = 1_000_000, 500
MEMORY = 512 * 1024 * 1024


def test_a_million_records_are_sent_with_512_mb_of_memory(tmp_path):
    """The API takes every batch without storing it: only Penstock's memory is looked at here."""
    with running_sandbox("--rate", "off") as sandbox, limited_memory(MEMORY) as prefix:
        sandbox.fault(status=200, commit=False, path="/batch")
        it = sending(sandbox, tmp_path, "people", 1, prefix=prefix, as_program=True)
        it.project.destination("rows.csv", "send_batch", "user_id: id, name: name", base=sandbox.flat_url)
        rows = "".join(f"r{number},Person {number},team,{number % 50}\n" for number in range(RECORDS))
        it.project.write("rows.csv", "id,name,plan,seats\n" + rows)
        process = it.start("run", "it")
        assert process.stdout is not None
        report = json.load(process.stdout)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.communicate()
        assert process.returncode == 0
        assert report["records"]["delivered"] == RECORDS
        assert report["requests"] == sandbox.stats()["requests"] == RECORDS // BATCH
        assert used.ru_maxrss * 1024 < MEMORY
