"""The code in README.md and in the documentation runs, and prints what it says it prints.

The ``python`` blocks of a page are one program, run by a Python of its own with warnings as errors. What stands behind
``# ->`` is what is printed there: all of it, line by line. Addresses in the text are replaced by those of a server that
was started for the page. Signatures and fragments are ``py`` blocks: they are shown, and not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from respool.testing import ClusterServers, SentinelServers, Server

ROOT: Final = Path(__file__).parents[2]
FENCE: Final = re.compile(r"^( *)```(\w*)(.*)$")
PAGES: Final = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
WIDEST: Final = 80  #: columns of code that a page shows without being scrolled sideways
PROGRAMS: Final = [page for page in PAGES if "```python" in page.read_text("utf-8")]


def program(page: Path) -> str:
    """Return the blocks of a page, each on the lines where it stands there: errors name the page's own lines."""
    lines: list[str] = []
    language, margin = None, 0
    for line in page.read_text("utf-8").splitlines():
        fence = FENCE.match(line)
        if fence and language is None:
            language, margin = fence[2] or "text", len(fence[1])
            lines.append("")
        elif fence:
            language = None
            lines.append("")
        else:
            lines.append(line[margin:] if language == "python" else "")
    return "\n".join(lines) + "\n"


def expected(text: str) -> list[str]:
    return re.findall(r"# -> (.*)$", text, flags=re.MULTILINE)


def addressed(
    text: str,
    server: Server,
    buckets: list[Server],
    cluster: ClusterServers | None,
    sentinels: SentinelServers | None,
) -> str:
    """Put servers' addresses in place of those that the documentation uses."""
    places = {
        "localhost:6379": f"localhost:{server.port}",
        '"localhost", 6379': f'"localhost", {server.port}',  # as old clients take it
        "localhost:6380": f"localhost:{server.tls_port}",
        "unix:///run/valkey/valkey.sock": server.unix_url,
        "/run/valkey/valkey.sock": str(server.unix_path),
        "/etc/ssl/our-ca.pem": str(server.ca_file),
    }
    places |= {f"10.0.0.{number}:6379": f"{each.host}:{each.port}" for number, each in enumerate(buckets, 1)}
    if cluster is not None:
        places |= {f"localhost:{7000 + at}": f"localhost:{node.port}" for at, node in enumerate(cluster.nodes)}
    for number, sentinel in enumerate([] if sentinels is None else sentinels.sentinels, 1):
        places[f"sentinel-{number}:26379"] = f"{sentinel.host}:{sentinel.port}"
    for place, ours in places.items():
        text = text.replace(place, ours)
    return text


@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs_and_prints_what_it_says(page: Path, tmp_path: Path) -> None:
    text = program(page)
    file = tmp_path / page.name
    with ExitStack() as stack:
        server = stack.enter_context(Server(tls=True, unix=True, config={"user": "orders on >secret ~* &* +@all"}))
        buckets = [stack.enter_context(Server()) for _ in range(3 if "10.0.0.1:6379" in text else 0)]
        has_cluster = "+cluster://" in text or "RedisCluster" in text
        cluster = stack.enter_context(ClusterServers()) if has_cluster else None
        sentinels = stack.enter_context(SentinelServers(sentinels=2)) if "sentinel-1:" in text else None
        file.write_text(addressed(text, server, buckets, cluster, sentinels), "utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "error", "-X", "utf8", file],
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            cwd=tmp_path,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == expected(text)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if {"tutorial", "how-to"} & set(page.parts)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_a_tutorial_or_how_to_has_code_and_all_of_it_runs(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "```python" in text
    assert "```py\n" not in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_of_code_is_wider_than_a_page_shows(page: Path) -> None:
    wide, fenced, margin = [], False, 0
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if fence:
            fenced, margin = not fenced, len(fence[1])
        elif fenced and len(line) - margin > WIDEST:
            wide.append(f"{page.name}:{number}: {line}")
    assert wide == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_linked_from_the_table_of_contents(page: Path) -> None:
    if page.name == "README.md":
        return
    assert f" {page.relative_to(ROOT / 'docs').as_posix()}\n" in (ROOT / "mkdocs.yml").read_text("utf-8")


LINK: Final = re.compile(r"\]\(([^)#:]+\.(?:md|py|txt))(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []
