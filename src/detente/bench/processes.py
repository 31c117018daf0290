"""What the kernel says of a process: its memory and its time (proc(5))."""

import os
from pathlib import Path

_KIB_PER_MIB = 1_024


def resident_mib(process: int) -> float:
    """Its resident memory now."""
    for line in Path(f"/proc/{process}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / _KIB_PER_MIB
    return 0.0


def cpu_seconds(process: int) -> float:
    """Its CPU time so far, its own and the kernel's for it."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
