"""vectors/sealing: checks, reader keys, wraps and sealed bodies are as stated there, and fail for the stated reasons."""

from functools import partial
from typing import Any

import pytest

from detente.crypto import labels
from detente.crypto.hashing import hmac_sha256, sha256
from detente.crypto.sealing import aead_open
from detente.crypto.wrapping import WrapKey, wrap
from detente.formats.canonical import decode, encode
from detente.formats.content import Content, encode_content
from detente.formats.dictionary import DICTIONARY
from detente.formats.entry import Keys, Wrap
from detente.ids import Origin, PartyId
from detente.protocol.epochs import Epochs, content_of
from detente.protocol.roster import Roster
from detente.protocol.sealing import (
    Epoch,
    Header,
    Unopenable,
    epoch_check,
    open_with_message_key,
    unwrap_secret,
    wrap_secret,
)
from detente.testing.line import MemoryKeyring
from tests.vectors.cases import Case, every, judged, load, octets_of


def header_of(case: Case) -> Header:
    """`h`."""
    fields: Any = decode(octets_of(case, "h"))
    kind, at, precedence, epoch, seen, view = fields
    return Header(kind, at, precedence, epoch, tuple(tuple(s) if isinstance(s, list) else s for s in seen), view)


@every("sealing", "checks")
def test_epoch_3_checks(case: Case) -> None:
    """EPOCH-3."""
    assert epoch_check(octets_of(case, "secret"), case["origin"], case["index"]) == octets_of(case, "check")
    assert encode([labels.EPOCH, case["origin"], case["index"]]) == octets_of(case, "input")


@every("sealing", "reader_keys")
def test_key_4_reader_keys(case: Case) -> None:
    """KEY-4, EPOCH-6: a key that is none is refused when somebody wraps to it."""
    public = octets_of(case, "public")
    if judged(case, partial(wrap, bytes(32), public, b"")):
        assert WrapKey.from_seed(octets_of(case, "private")).public == public
        assert sha256(public) == octets_of(case, "digest")


@every("sealing", "wraps")
def test_epoch_5_wraps(case: Case) -> None:
    """EPOCH-5, EPOCH-6."""
    private = next(one["private"] for one in load("sealing")["reader_keys"] if one["name"] == case["private"])
    key = WrapKey.from_seed(bytes.fromhex(private))
    place = case["channel"], case["origin"], case["index"]
    audience = tuple(case["audience"])

    def opened(wrapped: bytes) -> bytes:
        return unwrap_secret(wrapped, place, audience, case["reader"], key, octets_of(case, "check"))

    if judged(case, partial(opened, octets_of(case, "wrap"))):
        secret = octets_of(case, "secret")
        assert opened(octets_of(case, "wrap")) == secret
        assert opened(wrap_secret(secret, place, audience, case["reader"], key.public)) == secret
        assert opened(wrap(secret, key.public, octets_of(case, "info"))) == secret
    else:
        with pytest.raises(Unopenable) as caught:
            opened(octets_of(case, "wrap"))
        assert caught.value.reason == case["reason"]


@every("sealing", "epochs")
def test_epoch_6_epochs(case: Case) -> None:
    """EPOCH-4, EPOCH-6, SEAL-6."""
    file = load("sealing")
    keys = {one["name"]: one for one in file["reader_keys"]}
    wraps = {one["name"]: bytes.fromhex(one["wrap"]) for one in file["wraps"]} | {"zeros": bytes(1_168)}
    roster = Roster()
    roster.take(load("charters")["notes"]["note 1"].encode())
    seeds = iter([bytes.fromhex(keys[name]["private"]) for _, _, name in case["published"]])
    keyring = MemoryKeyring(lambda _: next(seeds))
    epochs = Epochs(roster, keyring, PartyId("bravo"), None)
    for origin, index, name in case["published"]:
        keyring.new_wrap_key()
        epochs.publish(origin, index, octets_of(keys[name], "public"))
    held = tuple(Wrap(origin, index, wraps[name]) for origin, index, name in case["wraps"])
    alfa = Origin(f"{roster.channel}/alfa/1")
    audience = tuple(map(PartyId, case["audience"]))
    epochs.take(alfa, 1, Keys(audience, octets_of(case, "check"), held, None), own_book=False)
    secret = keyring.secret(octets_of(case, "check"))
    assert (secret.hex() if secret is not None else None) == case["secret"]
    assert epochs.can_read(alfa, 1) == (case["secret"] is not None)
    assert epochs.why_unreadable(alfa, 1) == case["reason"]


@every("sealing", "messages")
def test_seal_1_messages(case: Case) -> None:
    """SEAL-1: every value on the way."""
    epoch = Epoch(Origin(case["origin"]), case["epoch"], (), octets_of(case, "secret"))
    header, p, body = header_of(case), octets_of(case, "p"), octets_of(case, "body")
    assert epoch.message_key(case["index"]) == octets_of(case, "mk")
    assert epoch.seal(case["index"], header, p) == body
    assert body[:32] == octets_of(case, "c")
    seal_key = hmac_sha256(octets_of(case, "mk"), encode([labels.SEAL, octets_of(case, "c")]))
    assert seal_key == octets_of(case, "ek")
    assert aead_open(seal_key, body[32:]) == p
    assert epoch.open(case["index"], header, body) == p
    assert encode_content(content_of(p, DICTIONARY)) == octets_of(case, "content")


@every("sealing", "bodies")
def test_seal_6_bodies(case: Case) -> None:
    """SEAL-6: the content, or the first reason that applies."""
    mk, body, header = octets_of(case, "mk"), octets_of(case, "body"), header_of(case)

    def opened() -> Content:
        p = open_with_message_key(mk, Origin(case["origin"]), case["index"], header, body)
        return content_of(p, DICTIONARY if case["dictionary"] else None)

    if judged(case, opened):
        assert encode_content(opened()) == octets_of(case, "content")
    else:
        with pytest.raises(Unopenable) as caught:
            opened()
        assert caught.value.reason == case["reason"]
