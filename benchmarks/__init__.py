"""Benchmarks: each module prints one JSON object; run as `python -m benchmarks.NAME --json`."""
