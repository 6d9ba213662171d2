"""Clusters of two nodes, for the tests of commands. Their ids are given, so that examples can name them.

A server in cluster mode reads its id, its slots and the nodes it knows from a file: the tests write that file.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import hiredis

from examples.cluster import A, B, C
from respool.testing import Server, wait_until


class Cluster:
    """Two primaries that know each other: ``a`` has every slot but the last, ``b`` has the last.

    The nodes run the same binary as ``like``.
    """

    def __init__(self, like: Server) -> None:
        self._like = like.binary
        self._files = Path(tempfile.mkdtemp(prefix="respool-cluster-"))
        self.a = self._node(A, 1, "0-16382")
        self.b = self._node(B, 2, "16383", "cluster-announce-hostname", "host-b")

    def __enter__(self) -> Self:
        self.a.start()
        self.b.start()
        self.a.command("CLUSTER", "MEET", self.b.host, self.b.port)
        wait_until(lambda: all(self._is_whole(node) for node in (self.a, self.b)), 20.0)
        if self._like.flavor == "valkey":  # a migration of slots is to go on until it is cancelled
            self.a.command("DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.a.stop()
        self.b.stop()
        shutil.rmtree(self._files)

    def restore(self) -> None:
        """Make ``a`` what it was at first: it is empty, and no slot has moved or is about to.

        That is done in a transaction, for a node that has no slots for a moment would refuse keys for a while.
        """
        with self.a.connect() as ask:
            with suppress(hiredis.ReplyError):
                ask("CLUSTER", "CANCELSLOTMIGRATIONS")
            for words in (
                ("MULTI",),
                ("FLUSHALL",),
                ("CLUSTER", "SETSLOT", 6, "STABLE"),
                ("CLUSTER", "SETSLOT", 16383, "STABLE"),
                ("CLUSTER", "FLUSHSLOTS"),
                ("CLUSTER", "ADDSLOTSRANGE", 0, 16382),
            ):
                ask(*words)
            assert ask("EXEC")[-1] == b"OK"

    def newcomer(self) -> Server:
        """Return a node, not started, that has no slots and knows ``b``, which does not know it."""
        b = f"{B} {self.b.host}:{self.b.port}@{self.b.port + 10000} master - 0 0 2 connected 16383"
        return self._node(C, 0, "", others=b)

    def _node(self, node_id: str, epoch: int, slots: str, *setting: str, others: str = "") -> Server:
        version = self._like.version
        shard = f",,shard-id={node_id}" if self._like.flavor == "valkey" or version >= (7, 2) else ""
        file = self._files / f"{node_id[0]}.conf"
        file.write_text(
            f"{node_id} 127.0.0.1:0@0{shard} myself,master - 0 0 {epoch} connected {slots}\n"
            f"{others}\nvars currentEpoch 2 lastVoteEpoch 0\n"
        )
        config: dict[str, Any] = {
            "cluster-enabled": "yes",
            "cluster-config-file": str(file),
            "cluster-node-timeout": 60_000,
            "cluster-require-full-coverage": "no",
            **dict(zip(setting[::2], setting[1::2], strict=True)),
        }
        if self._like.flavor == "valkey" or version >= (8, 2):
            config["cluster-slot-stats-enabled"] = "yes"
        return Server(self._like.path, config=config)

    @staticmethod
    def _is_whole(node: Server) -> bool:
        is_linked = node.command("CLUSTER", "NODES").count(b" connected") == 2
        return is_linked and b"cluster_state:ok" in node.command("CLUSTER", "INFO")


def is_linked(node: Server) -> bool:
    """Return whether a node has a connection to each node that it knows."""
    return b"disconnected" not in node.command("CLUSTER", "NODES")
