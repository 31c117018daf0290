"""Measuring this machine: two real stations, beside the same work done bare. `docs/BENCH.md` says what each figure means."""
