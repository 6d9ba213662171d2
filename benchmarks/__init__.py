"""Benchmarks of respool: one file per question, answered by us, the bare floor and the peers in one run."""
