"""Benchmarks: one file per question, measured in one run for respool, a bare socket and other libraries."""
