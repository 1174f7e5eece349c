"""Runs `penstock run …` and kills its own process with signal 9 at one chosen moment. Run as a script:

    python killed_run.py MOMENT COUNT run people --json -f penstock.yaml

MOMENT is one of the names that `here` is called with; the process dies the COUNT-th time it gets there.
"""

import asyncio
import os
import signal
import sys
from itertools import count


def main() -> None:
    moment, times, *arguments = sys.argv[1:]
    reached = count(1)

    def here(name: str) -> None:
        if name == moment and next(reached) == int(times):
            os.kill(os.getpid(), signal.SIGKILL)

    _plant(here, moment)
    from penstock.main import main as penstock

    sys.argv = ["penstock", *arguments]
    penstock()


def _plant(here, moment: str) -> None:
    from penstock.delivery.files.output_file import OutputFile
    from penstock.delivery.http.client import Client
    from penstock.delivery.sender import BatchJobs
    from penstock.run.diff.diff import Classifier
    from penstock.run.recording.commit import CommitSchedule
    from penstock.run.recording.recorder import Recorder
    from penstock.store.runs import runs

    publish = OutputFile.publish
    attempt, settle, commit, together, save, sift, poll = (
        Client._attempt,
        Recorder.settle,
        CommitSchedule.commit,
        CommitSchedule._commit_together,
        runs.save,
        Classifier.classify,
        BatchJobs.end_of,
    )

    async def dying_attempt(self, *args, **kwargs):
        here("before the bytes leave")
        sending = asyncio.ensure_future(attempt(self, *args, **kwargs))
        if moment == "between bytes out and reply":
            await asyncio.wait({sending}, timeout=0.02)  # the sandbox replies later than that
            here("between bytes out and reply")
        answer = await sending
        here("between reply and verdict")
        return answer

    def dying_settle(self, *args, **kwargs):
        number = settle(self, *args, **kwargs)
        here("between verdict and commit")
        return number

    def dying_commit(self):
        commit(self)
        here("after the commit")

    async def dying_together(self):
        await together(self)
        here("after the commit")

    def dying_save(*args, **kwargs):
        here("inside the commit")
        return save(*args, **kwargs)

    def dying_classify(self, *args, **kwargs):
        here("before a chunk")
        return sift(self, *args, **kwargs)

    async def dying_poll(self, *args, **kwargs):
        here("between accepted and confirmed")
        return await poll(self, *args, **kwargs)

    def dying_publish(self):
        here("before the file is in place")
        publish(self)
        here("after the file is in place")

    OutputFile.publish = dying_publish
    Client._attempt, Recorder.settle = dying_attempt, dying_settle
    CommitSchedule.commit, CommitSchedule._commit_together = dying_commit, dying_together
    runs.save, Classifier.classify, BatchJobs.end_of = dying_save, dying_classify, dying_poll


if __name__ == "__main__":
    main()
