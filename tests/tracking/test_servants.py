"""Who serves what: found by a mark in the environment, and by the ports that are listened on."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from workflow.lib.tracking_server.servants import MARK, WITH_ITS_MASTER, Servants, listening

pytestmark = pytest.mark.skipif(
    not Path("/proc/net/tcp").exists(), reason="only Linux lists its processes there"
)


@pytest.mark.parametrize("begun", [(), ("env", "--ignore-signal=INT")], ids=["by hand", "in the background"])
def test_what_a_killed_one_left_behind_is_ended_and_nothing_else(tmp_path, begun):
    """Whatever began its master: what a shell begins in the background ignores SIGINT, and so do children."""
    of_others = subprocess.Popen(["sleep", "100"], env={MARK: f"{tmp_path}-2"})
    words = [*begun, *WITH_ITS_MASTER, "sleep", "100"]
    left = subprocess.Popen(words, env={MARK: str(tmp_path), "PATH": os.environ["PATH"]})
    try:
        while Path(f"/proc/{left.pid}/comm").read_text().strip() != "sleep":
            time.sleep(0.01)
        Servants(tmp_path).end_leftovers()
        assert left.wait(5) == -signal.SIGINT
        assert of_others.poll() is None
    finally:
        for process in (left, of_others):
            process.kill()
            process.wait()


def test_who_listens_on_a_port_is_known():
    addresses = ["127.0.0.1"] + ["::1"] * Path("/proc/net/if_inet6").exists()
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.create_server((address, 0), family=family) as mine:
            port = mine.getsockname()[1]
            assert listening(port) == {os.geteuid()}
        assert listening(port) == set()
