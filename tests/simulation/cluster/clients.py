"""The callers of a run against a cluster: what may go wrong for them, and what must not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from respool.errors import CrossSlot, ReadTimeout, ServerError, TooManyRedirects, UsageError

from ..books import surely_not_executed
from ..clients import Client

if TYPE_CHECKING:
    from .books import ClusterBooks
    from .run import ClusterRun

#: What a server says to a lease, which follows no redirect, when the slot is on the move or at another node.
ON_LEASES: Final = frozenset("MOVED ASK TRYAGAIN EXECABORT UNBLOCKED CLUSTERDOWN MASTERDOWN LOADING".split())
#: What says where to go. It never leaves the pool.
WAYS: Final = frozenset("MOVED ASK".split())


class ClusterClient(Client):
    """One caller."""

    books: ClusterBooks

    def __init__(self, run: ClusterRun, number: int) -> None:
        super().__init__(run, number)
        #: The values that its own key may get late, since their outcome is unknown.
        self.doubtful: set[bytes | None] = set()

    def _judge(self, name: str, error: Exception) -> None:
        super()._judge(name, error)
        is_lease = name.startswith("lease")
        is_way = isinstance(error, ServerError) and error.code in WAYS and not is_lease
        if is_way or isinstance(error, TooManyRedirects | CrossSlot):
            self.books.fail(f"{self.name} {name}: {error!r}")

    def _is_blamed_on_world(self, error: Exception) -> bool:
        if isinstance(error, ServerError):
            if error.code == "TRYAGAIN":
                return False  # until its time was over
            if self.doing.startswith("lease") and error.code in ON_LEASES:
                return False
        if isinstance(error, ReadTimeout) and "was redirected" in str(error):
            return self.run.plan.options["acquire_timeout"] > 1.0  # it may have waited for a lease until then
        return super()._is_blamed_on_world(error)

    # The own key -------------------------------------------------------------------------------------

    def wrote(self, value: bytes | None, error: BaseException | None) -> None:
        """Note the end of a SET of the own key. Nobody else writes to it."""
        if error is None:
            self.possible = {value}
            self.possible |= self.doubtful
        elif isinstance(error, UsageError) or not surely_not_executed(error):
            self.doubtful.add(value)
            self.possible.add(value)

    def could_have(self, value: Any) -> bool:
        """Return whether the own key may have this value."""
        run = cast("ClusterRun", self.run)
        if run.reads_are_exact:
            return value in self.possible
        return value is None or value in self.books.sent.get(self.key, ())
