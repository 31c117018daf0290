"""Whose fault it is: the closed tree of errors.

Every refusal in the program is one of these. Each carries a stable code, a text that says what is wrong and what to do,
and, where the protocol rules it, the number of the rule in `spec/`. Nothing tells errors apart by their text.

    Fault
      LocalMisuse     our own caller or operator asked for what cannot be done    -> mend the request
      PeerViolation   the other side broke a rule                                 -> keep, show, never hide
        Malformed     unreadable; proves nothing about anybody                    -> end the link, try again
        BrokenRule    signed and wrong                                            -> mark it with whose it is
        Equivocation  two signed histories                                        -> keep the proof, alarm
      StoreFault      the disk: durability is unknown or impossible               -> stop, reopen, see what is there
      BearerFault     the wire or the other end of it                             -> try again, or another bearer
      InternalFault   a bug of ours                                               -> stop and report it
"""

from typing import NoReturn


class Fault(Exception):
    """Abstract root. `rule` is a rule number of `spec/` ("BOOK-9") or empty."""

    code = "fault"
    exit_status = 70

    def __init__(self, text: str, *, rule: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.text} [{self.rule}]" if self.rule else self.text


class LocalMisuse(Fault):
    """The request itself is wrong. Nothing was changed."""

    code = "local-misuse"
    exit_status = 2


class PeerViolation(Fault):
    """The other side broke a rule."""

    code = "peer-violation"
    exit_status = 3


class Malformed(PeerViolation):
    """Bytes that do not hold what they should. Nobody's signature stands behind them, so nobody is accused."""

    code = "malformed"


class BrokenRule(PeerViolation):
    """Signed, and against the rules."""

    code = "broken-rule"


class Equivocation(PeerViolation):
    """One key signed two things of which only one may exist."""

    code = "equivocation"


class StoreFault(Fault):
    """The store could not do it, or it is not known whether it did."""

    code = "store-fault"
    exit_status = 4


class StoreFull(StoreFault):
    """There is no room. Nothing was written; what was there before is whole."""

    code = "store-full"


class BearerFault(Fault):
    """The wire failed, or the station at its other end is not the one expected."""

    code = "bearer-fault"
    exit_status = 5


class InternalFault(Fault):
    """A bug of ours: a state that cannot be."""

    code = "internal-fault"
    exit_status = 70


def invariant(holds: bool, text: str) -> None:
    """Raise InternalFault unless `holds`. Stays on under `python -O`, unlike an assert."""
    if not holds:
        impossible(text)


def impossible(text: str) -> NoReturn:
    """Raise InternalFault: the program is in a state that it should never reach."""
    raise InternalFault(f"{text}. This is a bug of Detente, please report it")
