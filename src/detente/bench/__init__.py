"""Measuring this machine: two real stations side by side with the same work done bare. `docs/BENCH.md` says what each figure means."""
