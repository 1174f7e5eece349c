"""The API replies later than the credential's `timeout` allows."""

from support.environment.sending import sending


def test_a_run_ends_when_no_request_is_answered_in_time(tmp_path, own_sandbox):
    """Not after hours, with every record unknown: a user sees that the API is slow, and sends the rest later."""
    it = sending(own_sandbox, tmp_path, "people", 200, credential="timeout: 0.3s")
    with it.interrupted(after=40) as process:
        own_sandbox.fault(slow=60)
        ended = it.end(process)
    it.failed_clearly(ended, "credentials.sandbox.base_url", "host-unreachable")
    assert "requests in a row got no answer: no answer in time" in ended.problem()["message"]
    assert ended.document["records"]["unsent"] > 100
    own_sandbox.clear_faults()
    it.completed(it.run())


def test_a_few_replies_that_come_too_late_do_not_end_the_run(tmp_path, own_sandbox):
    it = sending(own_sandbox, tmp_path, "notes", 100, credential="timeout: 0.3s")
    own_sandbox.fault(slow=60, path="/note", times=10)
    ended = it.run()
    assert ended.code == 1
    assert ended.document["records"]["unknown"] == 10
    it.completed(ended)
