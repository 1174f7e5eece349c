"""A run over a CSV file of a million records on a machine with 512 MB of memory.

Where the kernel makes no control group with that limit, the largest resident size of the process is measured alone.
"""

import sys

from support.environment.memory_limit import limited_memory
from support.environment.sending import sending
from support.servers.sandbox import running_sandbox

RECORDS, BATCH = 1_000_000, 500
MEMORY = 512 * 1024 * 1024
# A process of its own starts the program and writes down its largest resident size, in kB. That of a program which the
# tests start themselves counts the tests before it.
MEASURED = """\
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def test_a_million_records_are_sent_with_512_mb_of_memory(tmp_path):
    """The API takes every batch without storing it: only Penstock's memory is looked at here."""
    peak = tmp_path / "peak"
    measured = (sys.executable, "-c", MEASURED, str(peak))
    with running_sandbox("--rate", "off") as sandbox, limited_memory(MEMORY) as prefix:
        sandbox.fault(status=200, commit=False, path="/batch")
        it = sending(sandbox, tmp_path / "project", "people", 1, prefix=(*prefix, *measured), as_program=True)
        it.project.destination("rows.csv", "send_batch", "user_id: id, name: name", base=sandbox.flat_url)
        rows = "".join(f"r{number},Person {number},team,{number % 50}\n" for number in range(RECORDS))
        it.project.write("rows.csv", "id,name,plan,seats\n" + rows)
        ended = it.run()
        assert ended.code == 0
        assert ended.document["records"]["delivered"] == RECORDS
        assert ended.document["requests"] == sandbox.stats()["requests"] == RECORDS // BATCH
        assert int(peak.read_text()) * 1024 < MEMORY
