"""Run redis-py's own test suite over the drop-in, and compare with redis-py itself.

Rule 1: the suite is downloaded with pip, in the version that is installed, into a temporary folder. It is never copied.
Rule 2: each file runs twice, plain and with ``dropin_plugin``, on a server or a cluster of its own. A test that passes
        plain and fails over the drop-in is a difference. Those of ``KNOWN`` are explained; any other makes this script
        fail.
Rule 3: the suite's fixtures make clients that hold one connection; here they make pooled ones, which use the engine.
Rule 4: on a cluster, tests that script redis-py's clients for nodes are left out. Over the drop-in their commands reach
        the real cluster instead, and a CLUSTER RESET spoils it for all others.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from respool.testing import ClusterServers, SentinelServers, Server

TOOLS = Path(__file__).parent
#: The files that run against one server, with Sentinels, and against a cluster.
ON_A_SERVER: Final = """
test_commands test_pipeline test_scripting test_lock test_encoding test_client test_monitor test_pubsub test_retry
test_multiprocessing test_function test_max_connections_error test_command_parser test_cache test_credentials
test_connect test_connection test_connection_pool test_sentinel_managed_connection test_utils
test_hash test_himport test_himport_integration test_keyspace_notifications test_legacy_responses_arg test_background
test_defaults test_driver_info test_event test_observability/test_cluster_metrics_error_handling
test_observability/test_config test_observability/test_metrics_connection_attributes test_observability/test_provider
test_observability/test_public_api test_observability/test_recorder test_multidb/test_client
test_multidb/test_command_executor test_multidb/test_pipeline
test_asyncio/test_commands test_asyncio/test_pipeline test_asyncio/test_scripting test_asyncio/test_lock
test_asyncio/test_encoding test_asyncio/test_client test_asyncio/test_monitor test_asyncio/test_pubsub
test_asyncio/test_retry test_asyncio/test_usage_counter test_asyncio/test_cwe_404 test_asyncio/test_credentials
test_asyncio/test_connect test_asyncio/test_connection test_asyncio/test_connection_pool
test_asyncio/test_sentinel_managed_connection test_asyncio/test_utils test_asyncio/test_hash
test_asyncio/test_himport_integration test_asyncio/test_keyspace_notifications
test_asyncio/test_observability/test_cluster_metrics_error_handling test_asyncio/test_observability/test_recorder
test_asyncio/test_multidb/test_client test_asyncio/test_multidb/test_pipeline
""".split()
WITH_SENTINELS: Final = ["test_sentinel", "test_asyncio/test_sentinel"]
ON_A_CLUSTER: Final = """
test_cluster test_cluster_transaction test_command_policies test_hash test_scripting test_lock test_encoding
test_function test_asyncio/test_cluster test_asyncio/test_cluster_transaction test_asyncio/test_command_policies
test_asyncio/test_command_parser test_asyncio/test_hash test_asyncio/test_scripting test_asyncio/test_lock
test_asyncio/test_encoding
""".split()
#: What is left out: tests that need modules, TLS, or servers that are set up by hand.
NOT_HERE: Final = "redismod or ssl or replica or cp_integration or multidb_integration"
#: These set passwords and users through a pooled client, and fail with redis-py too. They spoil the server for others.
SPOILERS: Final = tuple(f"tests/test_commands.py::TestRedisCommands::{name}" for name in ("test_auth", "test_acl"))

#: What a test names that scripts redis-py's clients (Rule 4).
SCRIPTS: Final = frozenset(
    "AsyncMock MagicMock Mock get_mocked_redis_client mock mock_all_nodes_resp mock_node_resp mock_node_resp_exc "
    "mock_node_resp_func monkeypatch moved_redirection_helper patch".split()
)

#: Differences that are meant, or that cannot be met, as patterns of test names, and why.
KNOWN: Final[dict[str, str]] = {
    "*test_client_kill*": "counts connections by name: redis-py's, which ran CLIENT SETNAME, and respool's have it",
    "*TestRedisClientRetry::*": "replaces redis.Redis.parse_response, which respool does not call",
    "*MetricsRecording::*": "gives redis-py's recorder a collector, and nothing says that calls are measured",
    "*TestAsyncClusterMetricsRecordingDuringErrorHandling::*": "makes a client for a cluster without its __init__",
    "*::test_on_connect_error": "looks at a connection of redis-py's, and none is made",
    "*::test_default_config_client_executes_commands_without_maint_notifications": "scripts a connection of redis-py's",
    "*::test_busy_loading_from_pipeline*": "looks at a connection of redis-py's, and none is made",
    "*::test_pipeline_reset_releases_connection_when_cancelled*": "looks at what redis-py's pool has lent",
    "*::test_slowlog_get": "replaces redis.Redis.parse_response, which respool does not call",
}


def run(folder: Path, files: Sequence[str], servers: Any, marks: str, *options: str, plugin: bool) -> dict[str, str]:
    """Run the suite; return the outcome of each test: passed, failed or skipped."""
    url = servers.url if isinstance(servers, Server) else servers.nodes[0].url
    if isinstance(servers, SentinelServers):
        places = ",".join(f"{sentinel.host}:{sentinel.port}" for sentinel in servers.sentinels)
        options = (*options, f"--sentinels={places}", f"--master-service={servers.name}")
    report = folder / ("dropin.xml" if plugin else "plain.xml")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", f"--junitxml={report}"]
    command += ["-m", marks, f"--redis-url={url}", "-o", "addopts=", "-o", "junit_family=xunit1", "--tb=native"]
    command += [f"--deselect={name}" for name in SPOILERS] + (["-p", "dropin_plugin"] if plugin else [])
    command += [f"tests/{name}.py" for name in files] + list(options)
    path = os.pathsep.join([str(TOOLS), *filter(None, [os.environ.get("PYTHONPATH")])])
    place = "cluster" if isinstance(servers, ClusterServers) else "server"
    given = {**os.environ, "PYTHONPATH": path, "DROPIN_ON": place}
    ended = subprocess.run(command, cwd=folder, check=False, env=given)
    if ended.returncode not in (0, 1):  # 1: some tests have failed
        raise SystemExit(f"pytest could not run the suite: it ended with {ended.returncode}")
    outcomes = {}
    for case in ET.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        outcomes[f"{case.get('classname')}::{case.get('name')}"] = outcome
    return outcomes


def compare(
    folder: Path, files: Sequence[str], servers: Callable[[], AbstractContextManager[Any]], marks: str, *options: str
) -> bool:
    """Run files of the suite plain and over the drop-in; print and return whether all differences are known."""
    with servers() as running:
        plain = run(folder, files, running, marks, *options, plugin=False)
    with servers() as running:
        dropin = run(folder, files, running, marks, *options, plugin=True)
    passed = [name for name, outcome in plain.items() if outcome == "passed"]
    different = sorted(name for name in passed if dropin.get(name) != "passed")
    unknown = [name for name in different if not any(fnmatchcase(name, pattern) for pattern in KNOWN)]
    print(f"\n{len(passed)} tests pass with redis-py; {len(passed) - len(different)} of them over the drop-in.")
    for name in different:
        print(f"  {'known' if name not in unknown else 'NEW  '}  {name}")
    print(f"{len(unknown) or 'No'} unexplained difference{'' if len(unknown) < 2 else 's'}.")
    return not unknown


def scripted(folder: Path, files: Sequence[str]) -> list[str]:
    """Return the tests that script redis-py's clients, by the names that their functions use (Rule 4)."""
    found: list[str] = []
    for file in (f"tests/{name}.py" for name in files):
        body = ast.parse((folder / file).read_text("utf-8")).body
        tests = [(f"{file}::", node) for node in body]
        groups = [node for node in body if isinstance(node, ast.ClassDef)]
        tests += [(f"{file}::{group.name}::", node) for group in groups for node in group.body]
        found += [
            place + node.name
            for place, node in tests
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not SCRIPTS.isdisjoint(_names(node))
        ]
    return found


def _names(function: ast.AST) -> set[str]:
    nodes = list(ast.walk(function))
    arguments = {node.arg for node in nodes if isinstance(node, ast.arg)}
    return arguments | {node.id for node in nodes if isinstance(node, ast.Name)}


def fetch(folder: Path) -> Path:
    """Download and unpack the source distribution of the redis-py that is installed; return its folder."""
    wanted = f"redis=={version('redis')}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-binary", ":all:", "--dest", str(folder), wanted], check=True)
    with tarfile.open(next(folder.glob("redis-*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    unpacked = next(path for path in folder.glob("redis-*") if path.is_dir())
    (unpacked / "redis").rename(unpacked / "redis-sources")  # the installed one is tested
    for conftest in (unpacked / "tests").rglob("conftest.py"):
        text = conftest.read_text("utf-8")
        conftest.write_text(text.replace("single_connection_client=True", "single_connection_client=False"), "utf-8")
    return unpacked


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="files of the suite, such as test_pipeline; without any, all")
    parser.add_argument("-k", default="", help="run only tests whose names match, as in pytest")
    parser.add_argument("--on", choices=("server", "sentinels", "cluster"), help="run only what runs there")
    parser.add_argument("--binary", help="another server than the embedded Valkey, as in redis-server")
    given = parser.parse_args()
    options = ["-k", given.k] if given.k else []
    is_explained = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = fetch(Path(temporary))
        places: dict[str, tuple[list[str], Callable[..., Any], str]] = {
            "server": (ON_A_SERVER, Server, "onlycluster"),
            "sentinels": (WITH_SENTINELS, partial(SentinelServers, name="redis-py-test"), "onlycluster"),
            "cluster": (ON_A_CLUSTER, ClusterServers, "onlynoncluster"),
        }
        for place, (files, servers, left_out) in places.items():
            if given.on in (None, place):
                wanted, marks = given.files or files, f"not ({left_out} or {NOT_HERE})"
                skipped = scripted(folder, wanted) if place == "cluster" else []
                left = [f"--deselect={name}" for name in skipped]
                is_explained &= compare(folder, wanted, partial(servers, binary=given.binary), marks, *options, *left)
    return 0 if is_explained else 1


if __name__ == "__main__":
    sys.exit(main())
