"""Wires for tests: two pseudo-terminals, or a TCP port, and what lies between both ends, which a test cuts and joins."""

import contextlib
import os
import pty
import select
import socket
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


class Relay:
    """A TCP port that leads to another one of this machine, until it is frozen (all looks open) or cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(0.05)
        self.port = int(self._door.getsockname()[1])
        self.is_frozen = False
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                near, _ = self._door.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._pairs.update({near: far, far: near})
            ready, _, _ = select.select(list(self._pairs), [], [], 0.01)
            for one in () if self.is_frozen else ready:
                octets = one.recv(65_536) if one in self._pairs else b""
                if octets:
                    self._pairs[one].sendall(octets)
                elif one in self._pairs:
                    self._drop(one)
        for one in list(self._pairs):
            one.close()
        self._door.close()

    def _drop(self, one: socket.socket) -> None:
        other = self._pairs.pop(one)
        del self._pairs[other]
        one.close()
        other.close()

    def cut(self) -> None:
        """Close everything and let nobody in any more."""
        self._stop.set()
        self._thread.join()
