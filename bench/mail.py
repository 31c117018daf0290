"""Detente beside e-mail, in one run on one machine: what one would pick instead for messages with a delivery status.

E-mail in its best case, without a queue manager, a virus scanner or a second hop: SMTP (RFC 5321) inside TLS on loopback,
eight connections kept open. The author syncs each message to an outbox first; the server syncs it to a folder before it
answers 250, the nearest thing to a receipt; the author syncs that answer, too. Nothing is sealed or signed, nobody can prove
the 250 to a third party, and the order of messages stands nowhere: it does less, and is the faster for it where it can be.

    .venv/bin/python bench/mail.py [--quick]      one JSON object: both, and their ratios
"""

import email.policy
import itertools
import json
import os
import smtplib
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from detente.bench import wire
from detente.bench.pair import ISOLATED_SECONDS, Pair, percentile
from detente.bench.processes import cpu_seconds
from detente.bench.texts import texts

CONNECTIONS = 8
MESSAGES, SINGLES, ISOLATED = 3_000, 300, 20
QUICK_DIVISOR = 20
_numbers = itertools.count()


def put_durably(folder: Path, octets: bytes) -> None:
    """A file of its own, synced with its folder, as mail servers do."""
    path = folder / f"{os.getpid()}.{next(_numbers)}"
    with path.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


class Inbox:
    """The server's side: durable first, then 250."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """One message."""
        del server, session
        put_durably(self._folder, envelope.content if isinstance(envelope.content, bytes) else b"")
        return "250 2.0.0 durable here"


def serve(port: int, folder: Path) -> None:
    """The server, until its standard input ends."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    (folder / "inbox").mkdir()
    controller = Controller(Inbox(folder / "inbox"), hostname="127.0.0.1", port=port, ssl_context=context)
    controller.start()
    print("ready", flush=True)
    sys.stdin.read()
    controller.stop()


class Author:
    """The sender's side, over connections that stay open."""

    def __init__(self, port: int, folder: Path) -> None:
        context = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._outbox = folder / "outbox"
        self._outbox.mkdir()
        self._connections = [smtplib.SMTP_SSL("localhost", port, context=context) for _ in range(CONNECTIONS)]

    def send(self, text: str, connection: int = 0) -> float:
        """One message, until its 250 is durable here; seconds."""
        began = time.perf_counter()
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"], message["To"], message["Subject"] = "watch@alfa.example", "watch@bravo.example", "message"
        message["Message-ID"] = f"<{time.time_ns()}@alfa.example>"
        message.set_content(text)
        put_durably(self._outbox, message.as_bytes())
        self._connections[connection].send_message(message)  # raises unless the answer is 250
        put_durably(self._outbox, b"250")
        return time.perf_counter() - began

    def burst(self, said: list[str]) -> float:
        """All of them over all connections; seconds."""
        began = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            shares = [said[number::CONNECTIONS] for number in range(CONNECTIONS)]
            for done in [pool.submit(self._all, share, number) for number, share in enumerate(shares)]:
                done.result()
        return time.perf_counter() - began

    def _all(self, said: list[str], connection: int) -> None:
        for text in said:
            self.send(text, connection)


def measure_mail(folder: Path, divisor: int) -> dict[str, float]:
    """The figures of e-mail, by the names that `detente bench` has."""
    folder.mkdir()
    request = ("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    names = (
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        folder / "key.pem",
        "-out",
        folder / "certificate.pem",
    )
    subprocess.run([*request, *names], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, __file__, "serve", str(port), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        author = Author(port, folder)
        author.burst(texts(10 * CONNECTIONS, 1))
        count = ISOLATED // divisor + 1
        before = wire.sent(port)
        for text in texts(count, 2):
            author.send(text)
            time.sleep(ISOLATED_SECONDS)
        octets = wire.ip_octets(before, wire.sent(port)) / count
        singles = [author.send(text) for text in texts(SINGLES // divisor + 2, 3)]
        count = MESSAGES // divisor
        rates, times = [], []
        for seed in range(4, 7):
            said = texts(count, seed)
            cpu = time.process_time() + cpu_seconds(server.pid)
            rates.append(count / author.burst(said))
            times.append((time.process_time() + cpu_seconds(server.pid) - cpu) / count * 1_000)
        server.communicate()
    return _figures(statistics.median(rates), singles, octets, statistics.median(times))


def measure_detente(folder: Path, divisor: int) -> dict[str, float]:
    """The same figures of two stations."""
    pair = Pair(folder)
    try:
        pair.start()
        pair.single(10)
        octets = pair.single(ISOLATED // divisor + 1, ISOLATED_SECONDS).ip_octets
        singles = pair.single(SINGLES // divisor + 2).seconds
        bursts = [pair.burst(5 * MESSAGES // divisor) for _ in range(3)]
    finally:
        pair.stop()
    rate = statistics.median(burst.messages_per_s for burst in bursts)
    return _figures(rate, singles, octets, statistics.median(burst.cpu_s for burst in bursts) * 1_000)


def _figures(rate: float, singles: list[float], octets: float, cpu: float) -> dict[str, float]:
    return {
        "burst_messages_per_s": round(rate),
        "single_p50_ms": round(percentile(singles, 50) * 1_000, 2),
        "single_p99_ms": round(percentile(singles, 99) * 1_000, 2),
        "ip_bytes_single": round(octets),
        "cpu_s_per_1000": round(cpu, 3),
    }


def main() -> None:
    """Measure both, one after the other, and say how they compare: above 1 Detente has more of it."""
    divisor = QUICK_DIVISOR if "--quick" in sys.argv else 1
    with tempfile.TemporaryDirectory(prefix="detente-mail-") as temporary:
        mail = measure_mail(Path(temporary) / "mail", divisor)
        detente = measure_detente(Path(temporary) / "detente", divisor)
    ratios = {key: round(detente[key] / mail[key], 3) for key in mail}
    print(json.dumps({"detente": detente, "mail": mail, "detente_to_mail": ratios}, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
