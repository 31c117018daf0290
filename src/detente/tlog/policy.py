"""Trust policies for offline verification (C2SP tlog-policy): which logs, which witnesses, and how many of them.

A policy file comes from the operator, so every error in it is LocalMisuse and names the line. Names are octet strings;
URLs are allowed and not kept, for nothing here speaks to a network.
"""

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from detente.errors import LocalMisuse, Malformed
from detente.tlog.checkpoint import Checkpoint, parse_checkpoint
from detente.tlog.note import Note, VerifierKey, parse_vkey, verify_note
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE

DEFINITIONS_MAX: Final = 1_024  # lines of a policy; C2SP asks for 32 logs, 32 witnesses and 32 groups at least
NO_QUORUM: Final = b"none"

_LOG_KINDS = (ED25519, PQ_COSIGNATURE)  # C2SP tlog-checkpoint allows a log to sign with type 0x06
_WITNESS_KINDS = (COSIGNATURE, PQ_COSIGNATURE)


class Group(NamedTuple):
    """At least `threshold` of `members` (names of witnesses and of groups before this one)."""

    threshold: int
    members: tuple[bytes, ...]


class Policy(NamedTuple):
    """`quorum` is the name of a witness or group, or `none`. Groups stand in the order of their definition."""

    logs: tuple[VerifierKey, ...]
    witnesses: dict[bytes, VerifierKey]
    groups: dict[bytes, Group]
    quorum: bytes

    def quorum_met(self, signers: Collection[VerifierKey]) -> bool:
        """Whether these keys, whose cosignatures were verified, are witnesses enough."""
        if self.quorum == NO_QUORUM:
            return True
        met = {name: vkey in signers for name, vkey in self.witnesses.items()}
        for name, group in self.groups.items():  # members stand before their group, so no recursion and no circles
            met[name] = sum(met[member] for member in group.members) >= group.threshold
        return met[self.quorum]

    def accepts(self, note: Note) -> bool:
        """Whether `note` is a checkpoint signed by one of the logs, under its own origin, and by the quorum.

        Raises Malformed if it is no checkpoint, or a signature of a key of the policy does not verify (NOTE-3).
        """
        checkpoint: Checkpoint = parse_checkpoint(note.text)
        signers = verify_note(note, {*self.logs, *self.witnesses.values()})
        by_log = any(log.name == checkpoint.origin and log in signers for log in self.logs)
        return by_log and self.quorum_met(signers)


def parse_policy(octets: bytes) -> Policy:
    """Read a policy file. Raises LocalMisuse, naming the line."""
    if match := re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", octets):
        raise LocalMisuse(f"the policy holds the control character 0x{match[0].hex()}; remove it")
    if not octets.endswith(b"\n"):
        raise LocalMisuse("the last line of the policy has no newline; it may have been cut off")
    reader = _Reader()
    for number, line in enumerate(octets.split(b"\n"), 1):
        items = re.split(rb"[ \t]+", line.strip(b" \t"))
        if items == [b""] or items[0].startswith(b"#"):
            continue
        try:
            reader.take(items)
        except Malformed as error:
            raise LocalMisuse(f"line {number} of the policy: {error.text}", rule=error.rule) from error
    if reader.quorum is None:
        raise LocalMisuse("the policy has no quorum line; add one, if need be `quorum none`")
    return Policy(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum)


class _Reader:
    """What the lines so far have defined. Raises Malformed, which `parse_policy` turns into the operator's error."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[bytes, VerifierKey] = {}
        self.groups: dict[bytes, Group] = {}
        self.quorum: bytes | None = None
        self._used: set[bytes] = set()

    def take(self, items: list[bytes]) -> None:
        if len(self.logs) + len(self.witnesses) + len(self.groups) >= DEFINITIONS_MAX:
            raise Malformed(f"more than {DEFINITIONS_MAX} definitions")
        match items:
            case [b"log", vkey, *url] if len(url) <= 1:
                self._log(_vkey(vkey, _LOG_KINDS))
            case [b"witness", name, vkey, *url] if len(url) <= 1:
                self._witness(name, _vkey(vkey, _WITNESS_KINDS))
            case [b"group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case [b"quorum", name]:
                self._quorum(name)
            case _:
                raise Malformed("not a log, witness, group or quorum line")

    def _log(self, vkey: VerifierKey) -> None:
        if any(vkey.public == log.public for log in self.logs):
            raise Malformed("this log's key stands twice")
        self.logs.append(vkey)

    def _witness(self, name: bytes, vkey: VerifierKey) -> None:
        self._require_new(name)
        if any(vkey.public == witness.public for witness in self.witnesses.values()):
            raise Malformed("this witness's key stands twice")
        self.witnesses[name] = vkey

    def _group(self, name: bytes, threshold: bytes, members: list[bytes]) -> None:
        self._require_new(name)
        for member in members:
            self._require_known(member)
            if member in self._used:  # a witness counts once, whatever the groups
                raise Malformed(f"{_show(member)} is a member twice")
            self._used.add(member)
        self.groups[name] = Group(_threshold(threshold, len(members)), tuple(members))

    def _quorum(self, name: bytes) -> None:
        if self.quorum is not None:
            raise Malformed("a second quorum line")
        if name != NO_QUORUM:
            self._require_known(name)
        self.quorum = name

    def _require_new(self, name: bytes) -> None:
        if name == NO_QUORUM or name in self.witnesses or name in self.groups:
            raise Malformed(f"the name {_show(name)} is taken")

    def _require_known(self, name: bytes) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise Malformed(f"no line above defines {_show(name)}")


def _threshold(text: bytes, members: int) -> int:
    words = {b"any": 1, b"all": members}
    if text in words:
        return words[text]
    if not re.fullmatch(rb"[1-9][0-9]{0,3}", text) or int(text) > members:
        raise Malformed(f"a threshold is `any`, `all` or 1 to {members}, not {_show(text)}")
    return int(text)


def _vkey(octets: bytes, kinds: tuple[int, ...]) -> VerifierKey:
    try:
        vkey = parse_vkey(octets.decode())
    except UnicodeDecodeError as error:
        raise Malformed("the verifier key is not UTF-8", rule="KEY-1") from error
    if vkey.kind not in kinds:
        raise Malformed(f"a key of type 0x{vkey.kind:02x} does not belong in this line", rule="KEY-2")
    return vkey


def _show(name: bytes) -> str:
    return repr(name.decode("utf-8", "backslashreplace"))
