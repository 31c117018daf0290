"""What went wrong on the wire: errors of OpenSSL and of the operating system become faults, in words.

Faults are told apart by error numbers and by OpenSSL's reason codes, never by text. What a
stranger sent is not quoted.
"""

import errno
import os
import socket
import ssl

from detente.errors import BearerFault, Fault, LocalMisuse

# OpenSSL's verification results (x509_vfy.h)
CERTIFICATE_NOT_YET_VALID = 9
CERTIFICATE_HAS_EXPIRED = 10

_REASONS = {
    # Alerts: the other side says why it refuses us.
    "TLSV1_ALERT_UNKNOWN_CA": "{who} refuses us: our certificate stands in no charter that it holds; "
    "compare the charters and the fingerprint of our card",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "{who} refuses us: it does not accept our certificate; compare the charters",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "{who} refuses us: by its clock our certificate has run out; "
    "compare the clocks, or bring a new one by a charter amendment",
    "SSLV3_ALERT_BAD_CERTIFICATE": "{who} refuses us: by its clock our certificate is not valid yet, or it is damaged; "
    "compare the clocks",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "{who} refuses us: it got no certificate of ours",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "{who} refuses us: no common way of encryption; it must offer TLS 1.3",
    "TLSV1_ALERT_PROTOCOL_VERSION": "{who} refuses us: it does not speak TLS 1.3, which Detente needs",
    # What we refuse in the other side.
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "{who} showed no certificate, so it is no station",
    "UNSUPPORTED_PROTOCOL": "{who} does not speak TLS 1.3, which Detente needs",
    "HTTP_REQUEST": "{who} speaks HTTP without TLS, so it is no station",
    "WRONG_VERSION_NUMBER": "{who} does not speak TLS, so it is no station",
}
_ERRNO_TEXTS = {
    errno.ECONNREFUSED: "{who} refuses the connection: nothing listens there; check the station and the port",
    errno.ETIMEDOUT: "{who} has gone silent: it, its engine or the network stands still",
    errno.ECONNRESET: "{who} broke off the connection",
    errno.EPIPE: "{who} broke off the connection",
    errno.EHOSTUNREACH: "no route to {who}; check the network and the address",
    errno.ENETUNREACH: "no route to {who}; check the network and the address",
    errno.EMFILE: "too many open files to reach {who}; raise the limit of this process",
}


def fault_of_tls(error: ssl.SSLError, who: str) -> BearerFault:
    """A failed handshake or a damaged record. `who`: the peer's name, or the address of a stranger."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return BearerFault(
            f"{who} is no station of our charters: it showed an unknown certificate; "
            "check the address, and whether our charter is the newest"
        )
    text = _REASONS.get(error.reason or "")
    if text:
        return BearerFault(text.format(who=who))
    return BearerFault(f"{who} sent what is not proper TLS 1.3 ({error.reason or 'unreadable'}); the link was ended")


def fault_of_system(error: OSError, who: str) -> BearerFault:
    """A connection that could not be made, or that was lost."""
    if isinstance(error, socket.gaierror):
        return BearerFault(
            f"the name of {who} cannot be resolved; check the address, or name the host by its IP address"
        )
    text = _ERRNO_TEXTS.get(error.errno or 0)
    if text:
        return BearerFault(text.format(who=who))
    return BearerFault(
        f"{who} cannot be reached: {os.strerror(error.errno) if error.errno else 'all its addresses failed'}"
    )


def fault_of_listening(error: OSError, host: str, port: int) -> Fault:
    """A door that could not be opened: the operator's to mend."""
    at = f"{host} port {port}"
    if isinstance(error, socket.gaierror):
        return LocalMisuse(f"cannot listen at {at}: the name cannot be resolved; give an IP address of this machine")
    texts = {
        errno.EADDRINUSE: "the port is in use; stop the other program, or choose another port",
        errno.EADDRNOTAVAIL: "this machine does not have that address; choose one of its own, or 0.0.0.0 for all",
        errno.EACCES: "no permission; choose a port above 1023, or grant CAP_NET_BIND_SERVICE",
    }
    if error.errno in texts:
        return LocalMisuse(f"cannot listen at {at}: {texts[error.errno]}")
    return BearerFault(f"cannot listen at {at}: {os.strerror(error.errno) if error.errno else 'unknown cause'}")
