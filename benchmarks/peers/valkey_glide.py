"""valkey-glide and valkey-glide-sync: one multiplexed connection to each node, its Rust core underneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks._question import Place

#: The default limit of 1000 would refuse the 10 000 tasks of B3.
IN_FLIGHT = 20_000
PATIENCE_MS = 30_000


class AsyncGlide:
    async def open(self, place: Place, tasks: int) -> None:
        import glide

        self._batch = glide.Batch
        config = glide.GlideClientConfiguration(
            [glide.NodeAddress(place.host, place.port)],
            request_timeout=PATIENCE_MS,
            inflight_requests_limit=IN_FLIGHT,
        )
        self.client = await glide.GlideClient.create(config)
        self.get = self.client.get
        self.set = self.client.set

    async def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        batch = self._batch(is_atomic=False)
        for command in commands:
            batch.custom_command(list(command))
        return await self.client.exec(batch, raise_on_error=True) or []

    async def close(self) -> None:
        await self.client.close()


class SyncGlide:
    def open(self, place: Place, threads: int) -> None:
        import glide_sync

        self._batch = glide_sync.Batch
        config = glide_sync.GlideClientConfiguration(
            [glide_sync.NodeAddress(place.host, place.port)], request_timeout=PATIENCE_MS
        )
        self.client = glide_sync.GlideClient.create(config)
        self.get = self.client.get
        self.set = self.client.set

    def pipeline(self, commands: list[tuple[str, ...]]) -> list[Any]:
        batch = self._batch(is_atomic=False)
        for command in commands:
            batch.custom_command(list(command))
        return self.client.exec(batch, raise_on_error=True) or []

    def close(self) -> None:
        self.client.close()


class AsyncClusterGlide(AsyncGlide):
    async def open(self, place: Place, tasks: int) -> None:
        import glide

        self._batch = glide.ClusterBatch
        config = glide.GlideClusterClientConfiguration(
            [glide.NodeAddress(host, port) for host, port in place.primaries],
            request_timeout=PATIENCE_MS,
            inflight_requests_limit=IN_FLIGHT,
        )
        self.client = await glide.GlideClusterClient.create(config)
        self.get = self.client.get
        self.set = self.client.set
        self.mget = self.client.mget


class SyncClusterGlide(SyncGlide):
    def open(self, place: Place, threads: int) -> None:
        import glide_sync

        self._batch = glide_sync.ClusterBatch
        config = glide_sync.GlideClusterClientConfiguration(
            [glide_sync.NodeAddress(host, port) for host, port in place.primaries], request_timeout=PATIENCE_MS
        )
        self.client = glide_sync.GlideClusterClient.create(config)
        self.get = self.client.get
        self.set = self.client.set
        self.mget = self.client.mget
