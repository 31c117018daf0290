"""The demo: whole scenarios on this machine, every station a process of its own, every told fact read back from the stations."""
