"""The exceptions of redis-py."""

from redis.exceptions import *  # noqa: F403 # pyright: ignore[reportWildcardImportFromLibrary]
