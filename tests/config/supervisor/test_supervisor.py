"""The supervisor with real processes."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.supervisor.processes import process
from config.supervisor.processes.output import CapturedOutput
from config.supervisor.processes.process import ManagedProcess, Program, describe_status
from tests.config.conftest import REPOSITORY, SupervisorProcess, free_port, is_alive, wait_for

pytestmark = pytest.mark.e2e

SLEEP = ["sleep", "600"]
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]


def gunicorn(port: int) -> list[str]:
    options = ["-c", "python:config.server.gunicorn", "-k", "gthread", "-w", "2", "--no-control-socket"]
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "tests.config.supervisor.stand_in:application",
        *options,
        "-b",
        f"127.0.0.1:{port}",
    ]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_ends_all_children(stand_in: SupervisorProcess, signum: signal.Signals) -> None:
    stand_in.start(one=SLEEP, two=["sh", "-c", "sleep 600 & sleep 600"])
    wait_for(lambda: len(stand_in.list_pids()) == 4)
    pids = stand_in.list_pids()

    assert stand_in.stop(signum) == 0

    assert [pid for pid in pids if is_alive(pid)] == []
    assert stand_in.read_console() == ["started", "stopped"]


def test_closed_terminal_under_nohup_stops_nothing(stand_in: SupervisorProcess) -> None:
    stand_in.start(hangup=signal.SIG_IGN, one=SLEEP)
    (child,) = stand_in.list_pids()

    stand_in.process.send_signal(signal.SIGHUP)
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: stand_in.list_pids() - {child})

    assert "stopped" not in stand_in.read_console()
    assert stand_in.stop(signal.SIGTERM) == 0


def test_stop_with_stubborn_child_kills_it(stand_in: SupervisorProcess) -> None:
    stand_in.start(grace=0.2, stubborn=STUBBORN)
    wait_for(lambda: (stand_in.folder / "stubborn.log").read_text())
    pids = stand_in.list_pids()

    assert stand_in.stop(signal.SIGTERM) == 0

    assert [pid for pid in pids if is_alive(pid)] == []


def test_second_stop_kills_at_once(stand_in: SupervisorProcess) -> None:
    stand_in.start(grace=600, stubborn=STUBBORN)
    wait_for(lambda: (stand_in.folder / "stubborn.log").read_text())

    stand_in.process.send_signal(signal.SIGINT)
    wait_for(lambda: "stopped" in stand_in.read_console())

    assert stand_in.stop(signal.SIGINT) == 0


def test_sigkill_of_supervisor_leaves_no_process_and_no_port(stand_in: SupervisorProcess) -> None:
    port = free_port()
    stand_in.start(web=gunicorn(port), other=SLEEP)
    wait_for(lambda: len(stand_in.list_pids()) == 4 and answers_on(port))
    pids = stand_in.list_pids()

    stand_in.stop(signal.SIGKILL)

    wait_for(lambda: not any(is_alive(pid) for pid in pids), timeout=2)
    assert not answers_on(port)


def test_sigkill_of_everything_lets_the_next_start_work(stand_in: SupervisorProcess) -> None:
    port = free_port()
    stand_in.start(web=gunicorn(port))
    wait_for(lambda: answers_on(port))
    for pid in stand_in.list_pids():
        os.kill(pid, signal.SIGKILL)
    stand_in.stop(signal.SIGKILL)

    stand_in.start(web=gunicorn(port))

    wait_for(lambda: answers_on(port))


def test_dead_child_starts_again(stand_in: SupervisorProcess) -> None:
    stand_in.start(one=SLEEP)
    (first,) = stand_in.list_pids()

    os.kill(first, signal.SIGKILL)

    wait_for(lambda: stand_in.list_pids() - {first})
    assert stand_in.read_console()[1:] == [
        f"one exited (SIGKILL); restarting in 0 s, see {os.path.relpath(stand_in.folder / 'one.log', REPOSITORY)}"
    ]


def test_dead_leader_takes_its_group_along(stand_in: SupervisorProcess) -> None:
    stand_in.start(web=gunicorn(port := free_port()))
    wait_for(lambda: answers_on(port) and len(stand_in.list_pids()) == 3)
    before = stand_in.list_pids()
    leader = min(before)

    os.kill(leader, signal.SIGKILL)

    wait_for(lambda: not any(is_alive(pid) for pid in before))
    wait_for(lambda: answers_on(port))


def test_child_that_dies_at_once_does_not_spam(stand_in: SupervisorProcess) -> None:
    stand_in.start(first_delay=0.01, longest_delay=0.03, broken=["sh", "-c", "echo no; exit 3"])

    wait_for(lambda: (stand_in.folder / "broken.log").read_text().count("no") > 6)

    reasons = [line.partition(",")[0] for line in stand_in.read_console()[1:]]
    assert reasons == [
        "broken exited (exit status 3); restarting in 0 s",
        "broken exited (exit status 3); restarting in 0 s",
        "broken keeps exiting (exit status 3); restarting every 0 s",
    ]


def test_output_is_kept_whole(stand_in: SupervisorProcess) -> None:
    stand_in.start(loud=["sh", "-c", "seq 1 50000; printf end; sleep 600"])
    wait_for(lambda: "\n50000\n" in (stand_in.folder / "loud.log").read_text())

    stand_in.stop(signal.SIGTERM)

    assert (stand_in.folder / "loud.log").read_text().split() == [*map(str, range(1, 50001)), "end"]


@pytest.fixture
def child() -> ManagedProcess:
    child = ManagedProcess(Program("child", ("true",), dict(os.environ)), CapturedOutput())
    wait_for(lambda: child.reap() is not None)
    child.pipe.close()
    return child


def test_back_off_doubles_to_half_a_minute(child: ManagedProcess) -> None:
    assert [child.schedule_restart() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_back_off_after_a_steady_minute_begins_anew(child: ManagedProcess) -> None:
    for _ in range(5):
        child.schedule_restart()

    child.started_at -= process.STABLE_AFTER

    assert child.schedule_restart() == 1


@pytest.mark.parametrize(
    ("status", "text"), [(0, "exit status 0"), (3, "exit status 3"), (-9, "SIGKILL"), (-99, "signal 99")]
)
def test_describe(status: int, text: str) -> None:
    assert describe_status(status) == text


def test_end_with_parent_stops_when_make_is_killed(tmp_path: Path) -> None:
    """A SIGKILL of make alone must not leave a portal behind."""
    (tmp_path / "code.py").write_text(
        "import signal, sys\n"
        "from config.supervisor.processes import prctl\n"
        "signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[1], 'w').close(), sys.exit()))\n"
        "prctl.die_with_parent(signal.SIGTERM)\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    code = f"{sys.executable} {tmp_path}/code.py {tmp_path}/stopped"
    with subprocess.Popen(
        ["sh", "-c", f"{code}; true"], env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE
    ) as make:
        assert make.stdout is not None
        assert make.stdout.readline() == b"ready\n"
        make.kill()

    wait_for((tmp_path / "stopped").exists)


def answers_on(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
