"""C2SP tlog-policy and tlog-proof: policies are read strictly, and judge checkpoints as they say."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.crypto.signing import PqSigningKey, SigningKey
from detente.errors import LocalMisuse, Malformed
from detente.tlog.checkpoint import checkpoint_text, cosign, cosign_pq
from detente.tlog.note import (
    Note,
    NoteSignature,
    format_note,
    parse_note,
    sign_note,
    signature_line,
    verifier_key,
    verify_note,
)
from detente.tlog.policy import DEFINITIONS_MAX, NO_QUORUM, parse_policy
from detente.tlog.proof import inclusion_proof
from detente.tlog.tlogproof import TlogProof, format_tlog_proof, parse_tlog_proof, verify_tlog_proof
from detente.tlog.vkeys import COSIGNATURE, ED25519, PQ_COSIGNATURE, VerifierKey
from tests.tlog import naive

ORIGIN = "example.com/alfa/1"
LOG_KEY = SigningKey(bytes(32))
LOG = verifier_key(ORIGIN, ED25519, LOG_KEY.public)
PQ_LOG_KEY = PqSigningKey(bytes(32))
PQ_LOG = verifier_key(ORIGIN, PQ_COSIGNATURE, PQ_LOG_KEY.public)
NAMES = ["X1", "X2", "X3", "Y1", "Y2"]
KEYS = {name: SigningKey(bytes([number]) * 32) for number, name in enumerate(NAMES, 1)}
WITNESSES = {name: verifier_key(f"example.com/{name}", COSIGNATURE, key.public) for name, key in KEYS.items()}
WITNESS_LINES = "".join(f"witness {name} {vkey}\n" for name, vkey in WITNESSES.items())
GROUP_LINES = "group X 2 X1 X2 X3\ngroup Y any Y1 Y2\ngroup both all X Y\n"

LEAVES = [naive.leaf(number) for number in range(200)]
TEXT = checkpoint_text(ORIGIN, 200, naive.root(LEAVES))
STORE = naive.Store()
for place, value in enumerate(LEAVES):
    STORE.put(0, place, value)


def policy_text(*lines: str) -> bytes:
    """A policy of these lines, after the log and the witnesses."""
    return f"log {LOG} https://example.com/\n{WITNESS_LINES}{''.join(f'{line}{chr(10)}' for line in lines)}".encode()


def cosigned(names: Sequence[str]) -> Note:
    """The checkpoint with the owner's line and cosignatures of these witnesses."""
    lines = [sign_note(TEXT, LOG_KEY, ORIGIN)]
    lines += [signature_line(WITNESSES[name], cosign(KEYS[name], TEXT, 1)) for name in names]
    return Note(TEXT, tuple(lines))


def test_a_quorum_of_groups_judges_every_set_of_witnesses() -> None:
    """C2SP tlog-policy, its own example: two of X and any of Y, over all 32 sets."""
    policy = parse_policy(policy_text(GROUP_LINES, "quorum both"))
    for count in range(len(NAMES) + 1):
        for names in itertools.combinations(NAMES, count):
            expected = sum(name[0] == "X" for name in names) >= 2 and any(name[0] == "Y" for name in names)
            assert policy.accepts(cosigned(names)) == expected


def test_a_single_witness_and_no_witness_can_be_the_quorum() -> None:
    """C2SP tlog-policy: `quorum none` asks for the log's signature only."""
    one, nobody = parse_policy(policy_text("quorum X1")), parse_policy(policy_text("quorum none"))
    assert one.accepts(cosigned(["X1"]))
    assert not one.accepts(cosigned(["X2", "X3", "Y1", "Y2"]))
    assert nobody.quorum == NO_QUORUM
    assert nobody.accepts(cosigned([]))


def test_a_checkpoint_needs_the_log_under_its_own_origin() -> None:
    """C2SP tlog-policy: the key name of the log is the origin, and no quorum replaces its signature."""
    policy = parse_policy(policy_text("quorum none"))
    elsewhere = checkpoint_text("example.com/other", 200, naive.root(LEAVES))
    assert not policy.accepts(Note(TEXT, cosigned(NAMES).signatures[1:]))
    assert not policy.accepts(Note(elsewhere, (sign_note(elsewhere, LOG_KEY, ORIGIN),)))
    with pytest.raises(Malformed):
        policy.accepts(Note("a statement\n", (sign_note("a statement\n", LOG_KEY, ORIGIN),)))


def test_note_3_a_failing_signature_of_the_policy_refuses_the_note() -> None:
    """NOTE-3: also where the quorum would be met without it."""
    policy = parse_policy(policy_text("quorum none"))
    bad = NoteSignature(WITNESSES["X1"].name, WITNESSES["X1"].key_id, bytes(72))
    with pytest.raises(Malformed):
        policy.accepts(Note(TEXT, (*cosigned([]).signatures, bad)))


def test_a_log_can_sign_with_a_post_quantum_key() -> None:
    """C2SP tlog-checkpoint: a log may sign with type 0x06."""
    policy = parse_policy(f"log {PQ_LOG}\nquorum none\n".encode())
    line = signature_line(PQ_LOG, cosign_pq(PQ_LOG_KEY, ORIGIN, TEXT, 0))
    assert policy.accepts(Note(TEXT, (line,)))


def test_spaces_comments_and_octets_of_any_script_are_allowed() -> None:
    """C2SP tlog-policy: names are octets; Kelvin's sign is not K."""
    witness = str(WITNESSES["X1"]).encode()
    policy = parse_policy(b"\t# a comment \xff\n\n \t witness  \xe2\x84\xaa\t" + witness + b" \nquorum \xe2\x84\xaa\n")
    assert set(policy.witnesses) == {b"\xe2\x84\xaa"}
    with pytest.raises(LocalMisuse, match="defines 'K'"):
        parse_policy(b"witness \xe2\x84\xaa " + witness + b"\nquorum K\n")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "no quorum"),
        (["quorum none", "quorum none"], "second quorum"),
        (["quorum Z"], "no line above"),
        (["quorum X", "group X any X1"], "no line above"),
        (["quorum X1 X2"], "not a log"),
        (["group X any", "quorum none"], "not a log"),
        (["group X 0 X1", "quorum none"], "threshold"),
        (["group X 01 X1", "quorum none"], "threshold"),
        (["group X 2 X1", "quorum none"], "threshold"),
        (["group X any X1 X1", "quorum none"], "member twice"),
        (["group X any X1", "group Y any X1", "quorum none"], "member twice"),
        (["group X any none", "quorum none"], "no line above"),
        (["group none any X1", "quorum none"], "taken"),
        (["group X1 any X2", "quorum none"], "taken"),
        ([f"witness X1 {LOG}", "quorum none"], "does not belong"),
        ([f"witness Z {WITNESSES['X1']._replace(name='z')}", "quorum none"], "stands twice"),
        ([f"log {LOG._replace(name='z')}", "quorum none"], "stands twice"),
        ([f"log {WITNESSES['X1']}", "quorum none"], "does not belong"),
        (["log nonsense", "quorum none"], "not a verifier key"),
        (["logs nonsense", "quorum none"], "not a log"),
        (["quorum none\r"], "control character"),
        (["quorum none\x7f"], "control character"),
    ],
)
def test_a_policy_that_is_wrong_is_refused(lines: list[str], reason: str) -> None:
    """C2SP tlog-policy: every rule of the format, told to the operator."""
    with pytest.raises(LocalMisuse, match=reason):
        parse_policy(policy_text(*lines))


def test_a_refusal_names_the_line() -> None:
    """The operator finds the error."""
    with pytest.raises(LocalMisuse, match="line 2 of the policy"):
        parse_policy(b"# first\nquorum X\n")
    with pytest.raises(LocalMisuse, match="cut off"):
        parse_policy(b"quorum none")
    with pytest.raises(LocalMisuse, match="not UTF-8"):
        parse_policy(b"log \xff\nquorum none\n")


def test_the_number_of_definitions_is_bounded() -> None:
    """C2SP tlog-policy allows limits; 32 of each kind are far below ours."""
    groups = [f"group g{number} any g{number - 1}" for number in range(1, DEFINITIONS_MAX)]
    with pytest.raises(LocalMisuse, match="more than"):
        parse_policy(policy_text("group g0 any X1", *groups, "quorum none"))


@given(st.integers(0, 199), st.one_of(st.none(), st.binary(max_size=40)))
def test_a_proof_file_comes_back_and_holds(index: int, extra: bytes | None) -> None:
    """C2SP tlog-proof: written, read and verified; another leaf or a policy not met is refused."""
    proof = TlogProof(index, tuple(inclusion_proof(STORE.read, index, 200)), cosigned(["X1"]), extra)
    read = parse_tlog_proof(format_tlog_proof(proof))
    assert read == proof
    assert verify_tlog_proof(read, LEAVES[index], parse_policy(policy_text("quorum X1")))
    assert not verify_tlog_proof(read, LEAVES[index - 1], parse_policy(policy_text("quorum X1")))
    assert not verify_tlog_proof(read, LEAVES[index], parse_policy(policy_text("quorum X2")))


@given(st.data())
def test_one_proof_has_one_encoding(data: st.DataObject) -> None:
    """Whatever octets are accepted, writing what was read gives the same octets."""
    octets = bytearray(PROOF_OCTETS)
    place = data.draw(st.integers(0, len(octets) - 1))
    octets[place : place + data.draw(st.integers(0, 2))] = data.draw(st.sampled_from([b"", b"\n", b"=", b"A", b"0"]))
    try:
        read = parse_tlog_proof(bytes(octets))
    except Malformed:
        return
    assert format_tlog_proof(read) == octets


PROOF = TlogProof(7, tuple(inclusion_proof(STORE.read, 7, 200)), cosigned(["X1"]), b"extra")
PROOF_OCTETS = format_tlog_proof(PROOF)
HASH_LINE = PROOF_OCTETS.split(b"\n")[3]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        PROOF_OCTETS.replace(b"proof@v1", b"proof@v2"),
        PROOF_OCTETS.replace(b"index 7", b"index 07"),
        PROOF_OCTETS.replace(b"index 7", b"index " + str(2**63).encode()),
        PROOF_OCTETS.replace(b"extra ZXh0cmE=", b"extra ZXh0cmF="),
        PROOF_OCTETS.replace(b"extra ZXh0cmE=\nindex 7", b"index 7\nextra ZXh0cmE="),
        PROOF_OCTETS.replace(HASH_LINE, b"ZXh0cmE="),
        PROOF_OCTETS.replace(HASH_LINE, b"\xff"),
        PROOF_OCTETS.replace(HASH_LINE, b"\n".join([HASH_LINE] * 64)),
        PROOF_OCTETS.replace(b"\n\n", b"\n", 1),
        PROOF_OCTETS.replace(b"\n200\n", b"\n0200\n"),
        PROOF_OCTETS[:-1],
    ],
)
def test_what_is_no_proof_file_is_malformed(octets: bytes) -> None:
    """C2SP tlog-proof: refused, not repaired."""
    with pytest.raises(Malformed):
        parse_tlog_proof(octets)


def test_what_is_no_proof_is_not_written() -> None:
    """A value that would not come back is our caller's mistake."""
    for bad in (TlogProof(-1, (), PROOF.checkpoint), TlogProof(0, (b"short",), PROOF.checkpoint)):
        with pytest.raises(LocalMisuse):
            format_tlog_proof(bad)


def test_the_example_policy_of_c2sp_is_read(shared_data: Path) -> None:
    """C2SP tlog-policy: its example, with keys put in where it has none."""
    page = (shared_data / "specs" / "c2sp" / "tlog-policy.md").read_text()
    example = re.search(r"```\n(log <vkey>.*?)```", page, re.DOTALL)
    assert example
    made = itertools.count(1)

    def vkey(match: re.Match[str]) -> str:
        kind = ED25519 if match[0].startswith("log") else COSIGNATURE
        key = SigningKey(bytes([next(made)]) * 32)
        return match[0].replace("<vkey>", str(verifier_key(ORIGIN, kind, key.public)))

    policy = parse_policy(re.sub(r"^(?:log|witness \S+) <vkey>", vkey, example[1], flags=re.MULTILINE).encode())
    assert len(policy.witnesses) == 6
    assert list(policy.groups) == [b"X-witnesses", b"Y-witnesses", b"X-and-Y"]
    assert policy.quorum == b"X-and-Y"
    assert not policy.quorum_met(list(policy.witnesses.values())[:2])
    assert policy.quorum_met(list(policy.witnesses.values())[1:4])


def test_the_checkpoint_of_a_proof_is_a_note_like_any_other() -> None:
    """C2SP tlog-proof: the checkpoint stands in the file octet for octet."""
    signers: tuple[VerifierKey, ...] = verify_note(parse_note(format_note(PROOF.checkpoint)), [LOG, WITNESSES["X1"]])
    assert PROOF_OCTETS.endswith(b"\n\n" + format_note(PROOF.checkpoint))
    assert signers == (LOG, WITNESSES["X1"])
