"""The nodes of a cluster take every call about the cluster, and its value is the one of the example, everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from making import check, check_bare

from clusters import Cluster
from effort import IS_PROOF


def test_a_call_to_a_cluster_has_the_same_value_everywhere(
    clustered: Any, called: str, cluster: Cluster, cluster_pools: Any
) -> None:
    check(clustered, called, cluster_pools, cluster.restore)


#: Each call needs a new node, which takes a while to start: the short form has either value of both once.
WORLDS = [(2, None), (3, "utf-8"), *([(2, "utf-8"), (3, None)] if IS_PROOF else [])]


@pytest.mark.parametrize(("protocol", "encoding"), WORLDS)
def test_a_call_on_a_bare_connection_to_a_new_node(
    bare_clustered: Any, called: str, talk_to_newcomer: Any, protocol: int, encoding: str | None
) -> None:
    if called not in bare_clustered.servers.split(", "):
        pytest.skip("this server does not know the option")
    check_bare(bare_clustered, talk_to_newcomer(protocol, encoding), encoding)
