"""Wires for tests: two pseudo-terminals and what lies between them, which a test cuts and joins."""

import contextlib
import os
import pty
import select
import threading
import tty


class Wire:
    """Two devices (paths) joined by a thread; octets pass while it is not cut."""

    def __init__(self) -> None:
        pairs = [pty.openpty() for _ in range(2)]
        self.masters = [master for master, _ in pairs]
        self._slaves = [slave for _, slave in pairs]  # kept open: a station that stops does not hang up the line
        for slave in self._slaves:
            tty.setraw(slave)
        self.devices = [os.ttyname(slave) for slave in self._slaves]
        self.is_cut = False
        self.octets = [0, 0]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        for master in self.masters:
            os.set_blocking(master, False)
        while not self._stop.is_set():
            ready, _, _ = select.select(self.masters, [], [], 0.05)
            for master in ready:
                place = self.masters.index(master)
                octets = os.read(master, 4_096)
                self.octets[place] += len(octets)
                if not self.is_cut:
                    with contextlib.suppress(BlockingIOError):
                        os.write(self.masters[1 - place], octets)

    def close(self) -> None:
        """Take it away."""
        self._stop.set()
        self._thread.join()
        for descriptor in (*self.masters, *self._slaves):
            os.close(descriptor)
