"""What `--processor-time` adds up: this process's own time, and that of the processes it starts."""

import subprocess
import sys
import time

from tests.processor_time import used_s

BUSY = "import time\nwhile time.process_time() < {}: pass\n"


def test_work_of_this_process_counts() -> None:
    before_s, end_s = used_s(), time.process_time() + 0.05
    while time.process_time() < end_s:
        pass
    assert used_s() - before_s >= 0.05


def test_a_child_counts_while_it_lives_and_when_it_has_ended() -> None:
    before_s = used_s()
    code = BUSY.format(0.2) + "print(flush=True)\ninput()\n"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert used_s() - before_s >= 0.15
        child.communicate(b"\n")
    assert used_s() - before_s >= 0.15
