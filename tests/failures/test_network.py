"""The network is cut in the middle of a run, or the name of the host is not found when it continues."""

import signal

from support.deadline import until
from support.environment.fake_clock import fast_clock
from support.environment.kernel import cut_network, mount, with_own_mounts, with_own_network
from support.environment.sending import sending
from support.servers.sandbox import running_sandbox


@with_own_network
def test_a_network_that_is_cut_ends_the_run_and_the_next_one_sends_the_rest(tmp_path):
    """Requests under way get no reply, and no new connection is made; nothing is sent in vain until it is back."""
    with running_sandbox("--rate", "off", "--latency", "60") as sandbox:
        it = sending(sandbox, tmp_path, "notes", 300, credential="timeout: 0.5s", as_program=True)
        with it.interrupted(after=60) as process:
            cut_network()
            ended = it.end(process)
        it.failed_clearly(ended, "credentials.sandbox.base_url", "host-unreachable")
        assert ended.document["records"]["unsent"] > 200
        cut_network(off=False)
        it.completed(it.run())


def names_in(folder):
    """The file in which host names are found, of the test alone; there is no other server of names."""
    hosts, servers = folder / "hosts", folder / "resolv.conf"
    hosts.write_text("127.0.0.1 localhost\n")
    servers.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    mount("--bind", hosts, "/etc/hosts")
    mount("--bind", servers, "/etc/resolv.conf")
    return hosts


def at_localhost(it):
    """The destination finds the sandbox by a name."""
    text = (it.project.folder / "penstock.yaml").read_text()
    it.project.write("penstock.yaml", text.replace("//127.0.0.1:", "//localhost:"))
    return it


@with_own_mounts
def test_a_host_that_is_not_found_any_more_ends_the_run_that_has_found_it_before(tmp_path):
    """An address is used for a minute, which passes in two seconds here; then a new connection needs the name."""
    with running_sandbox("--rate", "off", "--latency", "150") as sandbox:
        hosts = names_in(tmp_path)
        fast = fast_clock(30)
        it = sending(sandbox, tmp_path, "people", 1000, credential="timeout: 900s", as_program=True, environ=fast)
        at_localhost(it)
        with it.interrupted(after=20) as process:
            hosts.write_text("")
            received = it.received()
            # In more than two seconds: ten requests each 150 ms. A busy machine may need a new connection, and end, before.
            until(lambda: it.received() >= received + 150 or process.poll() is not None)
            sandbox.fault(cut="before", times=20)
            ended = it.end(process)
        it.failed_clearly(ended, "credentials.sandbox.base_url", "host-unreachable")
        assert ended.problem()["message"] == "the host localhost was not found"
        assert ended.document["records"]["unsent"] > 0
        sandbox.clear_faults()
        sandbox.settings(latency=0)
        hosts.write_text("127.0.0.1 localhost\n")
        it.completed(it.run())


@with_own_mounts
def test_a_host_that_is_not_found_any_more_is_named_and_the_run_continues_later(tmp_path, own_sandbox):
    hosts = names_in(tmp_path)
    it = at_localhost(sending(own_sandbox, tmp_path, "people", 300, as_program=True))
    with it.interrupted(after=60) as process:
        process.send_signal(signal.SIGINT)
        assert it.end(process).code == 130
    hosts.write_text("")
    before = it.received()
    ended = it.run()
    assert it.received() == before
    it.failed_clearly(ended, "credentials.sandbox.base_url", "host-unreachable")
    assert ended.problem()["message"] == "the host localhost was not found"
    hosts.write_text("127.0.0.1 localhost\n")
    it.completed(it.run())
