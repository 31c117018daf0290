"""Bad input to every command: one line that says what is wrong and what to do, the exit status, and no traceback."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from detente.cli.passphrases import ENVIRONMENT
from tests.cli.desks import Desk, done, run

INIT = ("--party", "delta", "--role", "principal", "--name", "en=Party Delta")
SEND = ("--channel", "line", "--to", "bravo", "--precedence", "flash", "--message", "x")

# words (ALFA, DESK, NEW and the like are filled in), exit status, what the line must say
CASES = [
    ("init NEW --party Delta --role principal --name en=D", 2, "party must be"),
    ("init NEW --party delta --role king --name en=D", 2, "'king' is not one of"),
    ("init NEW --party delta --role principal --name D", 2, "--name takes LANGUAGE=TEXT"),
    ("init NEW --party delta --role principal --name en=D --name en=E", 2, "language en twice"),
    ("init NEW --party delta --role principal", 2, "Missing option '--name'"),
    ("init NEW --party delta --role principal --name en=D --listen 7410", 2, "listen must be HOST:PORT"),
    ("init NEW --party delta --role principal --name en=D --bearer line:1", 2, "bearer must be tls://"),
    ("init ALFA --party delta --role principal --name en=D", 2, "is not an empty folder"),
    ("card NEW", 2, "is no HOME"),
    ("card ALFA --for NEW", 2, "cannot be read"),
    ("card ALFA -o DESK", 2, "is a folder"),
    ("charter draft --name x.example --title T --mode drill --card CARD -o NEW", 2, "'drill' is not one of"),
    (
        "charter draft --name X.example --title T --mode real --card CARD --card BRAVOCARD -o NEW",
        2,
        "channel: expected",
    ),
    ("charter draft --name a/b/c --title T --mode real --card CARD --card BRAVOCARD -o NEW", 2, "[CHARTER-1]"),
    ("charter draft --name x.example --title T --mode real --card CARD -o NEW", 2, "2 to 16"),
    ("charter draft --name x.example --title T --mode real --card CARD --card CARD -o NEW", 2, "[CHARTER-4]"),
    ("charter draft --name x.example --title T --mode real --card DRAFT --card CARD -o NEW", 3, "line.charter"),
    ("charter draft --name x.example --title T --mode real --card CARD --card BRAVOCARD -o DRAFT", 2, "exists"),
    (
        "charter draft --name x.example --title T --mode real --card CARD --card BRAVOCARD --start soon -o NEW",
        2,
        "--start",
    ),
    (
        "charter draft --name x.example --title T --mode real --card CARD --card BRAVOCARD --clause x -o NEW",
        2,
        "--clause",
    ),
    (
        "charter draft --name x.example --title T --mode real --card CARD --card BRAVOCARD --language e -o NEW",
        2,
        "--language",
    ),
    ("charter show NEW", 2, "cannot be read"),
    ("charter show CARD", 3, "first line"),
    ("charter sign ALFA CARD", 3, "first line"),
    ("charter sign ALFA NEW", 2, "cannot be read"),
    ("charter sign ALFA UNSIGNED", 2, "make another card"),
    ("charter join ALFA UNSIGNED", 2, "[CHARTER-5]"),
    ("charter join ALFA DRAFT", 2, "joined"),
    ("charter amend UNSIGNED --title T -o NEW", 2, "not in force"),
    ("charter amend DRAFT -o NEW", 2, "change nothing"),
    ("charter amend DRAFT --card NEW -o NEW", 2, "cannot be read"),
    ("run NEW", 2, "is no HOME"),
    ("stop ALFA", 2, "no station runs"),
    ("send NEW --channel c --to bravo --precedence flash --message x", 2, "is no HOME"),
    ("send ALFA --channel other --to bravo --precedence flash --message x", 2, "no channel of this station"),
    ("send ALFA --channel line --to Bravo --precedence flash --message x", 2, "--to takes party ids"),
    ("send ALFA --channel line --to bravo --precedence flash", 2, "give the text once"),
    ("send ALFA --channel line --to bravo --precedence flash --message x --text -", 2, "give the text once"),
    ("send ALFA --channel line --to bravo --precedence flash --text NEW", 2, "cannot be read"),
    ("send ALFA --channel line --to bravo --precedence flash --text NOTTEXT", 2, "not UTF-8"),
    ("send ALFA --channel line --to bravo --precedence flash --text EMPTY", 2, "the text is empty"),
    ("send ALFA --channel line --to bravo --precedence urgent --message x", 2, "'urgent' is not one of"),
    ("send ALFA --channel line --to bravo --precedence flash --message x", 2, "say --exercise"),
    ("send ALFA --channel line --to delta --precedence flash --message x --exercise", 2, "delta"),
    ("reply ALFA bravo --precedence flash --message x --exercise", 2, "[READ-2]"),
    ("reply ALFA bravo/7 --precedence flash --message x --exercise", 2, "no entry bravo/7"),
    ("ack ALFA bravo/7 --by watch", 2, "no entry bravo/7"),
    ("ack ALFA alfa/0 --by watch", 2, "is our own"),
    ("ack ALFA alfa-0 --by watch", 2, "[READ-2]"),
    ("log ALFA --channel other", 2, "no channel of this station"),
    ("log ALFA --limit 0", 2, "--limit"),
    ("status NEW", 2, "is no HOME"),
    ("evidence ALFA -o NEW", 2, "say what"),
    ("evidence ALFA --all --entry alfa/0 -o NEW", 2, "say what"),
    ("evidence ALFA --entry alfa/9 -o NEW", 2, "no entry alfa/9"),
    ("evidence ALFA --all -o DESK/none/x", 2, "no folder"),
    ("verify NEW", 2, "cannot be read"),
    ("verify DESK", 2, "is no HOME"),
]


@pytest.fixture(scope="module")
def places(joined: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the words in capitals mean."""
    desk = Desk(joined)
    folder = tmp_path_factory.mktemp("faults")
    (folder / "text").write_bytes(b"\xff\xfe")
    (folder / "empty").write_text(" \n")
    unsigned = folder / "unsigned.charter"
    desk.draft(unsigned)
    return {
        "ALFA": desk.alfa,
        "DESK": desk.folder,
        "CARD": desk.card(desk.alfa),
        "BRAVOCARD": desk.card(desk.bravo),
        "DRAFT": desk.charter,
        "UNSIGNED": unsigned,
        "NOTTEXT": folder / "text",
        "EMPTY": folder / "empty",
        "NEW": folder / "new",
    }


def filled(words: str, places: dict[str, Path]) -> list[str]:
    """The words with places for their names."""
    return [
        str(places[word]) if word in places else word.replace("DESK", str(places["DESK"])) for word in words.split()
    ]


@pytest.mark.parametrize(("words", "status", "says"), CASES, ids=[case[0] for case in CASES])
def test_bad_input_is_one_line(words: str, status: int, says: str, places: dict[str, Path]) -> None:
    """The exit status is that of the fault, the last line names what is wrong, and nothing was made."""
    result = run(*filled(words, places))
    lines = result.stderr.rstrip("\n").split("\n")
    assert result.exit_code == status, result.output
    assert lines[-1].startswith("error: ")
    assert len(lines) == 1
    assert says in lines[0], lines[0]
    assert not places["NEW"].exists()


@pytest.mark.parametrize(
    "words", ["status NEW", "send ALFA --channel line --to Bravo --precedence flash --message x", "log"]
)
def test_with_json_a_fault_is_json(words: str, places: dict[str, Path]) -> None:
    """With --json a fault is one JSON object on standard output, also when the options themselves are wrong."""
    result = run(*filled(words, places), "--json")
    fault = json.loads(result.stdout)["error"]
    assert set(fault) == {"code", "rule", "text", "exit_status"}
    assert (fault["code"], fault["exit_status"], result.exit_code) == ("local-misuse", 2, 2)
    assert result.stderr == ""


def test_a_changed_charter_is_malformed(joined_desk: Desk) -> None:
    """NOTE-3: a charter changed after it was signed is refused with status 3, and `charter verify` finds it."""
    octets = joined_desk.charter.read_bytes()
    joined_desk.charter.write_bytes(octets.replace(b"Line between", b"Lane between"))
    for words in (("charter", "show"), ("charter", "sign", joined_desk.alfa), ("charter", "join", joined_desk.alfa)):
        result = run(*words, joined_desk.charter)
        assert (result.exit_code, "[NOTE-3]" in result.stderr) == (3, True), words
    result = run("charter", "verify", joined_desk.charter, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["sound"], found["findings"][0]["rule"]) == (3, False, "NOTE-3")


def test_signing_needs_the_word(drafted_desk: Desk) -> None:
    """Without the charter's mode as answer nothing is signed; with it, it is."""
    before = drafted_desk.charter.read_bytes()
    for answer in ("", "yes\n", "REAL\n", "exercise\n"):
        result = run("charter", "sign", drafted_desk.alfa, drafted_desk.charter, stdin=answer)
        assert result.exit_code in (1, 2)
        assert drafted_desk.charter.read_bytes() == before
    assert not list((drafted_desk.alfa / "notes").iterdir())
    done("charter", "sign", drafted_desk.alfa, drafted_desk.charter, stdin="EXERCISE\n")
    assert drafted_desk.charter.read_bytes().startswith(before)


def test_passphrases_that_fail(joined: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong, empty, missing or unreadable passphrase is said without the passphrase."""
    wrong = tmp_path / "wrong"
    wrong.write_text("not the one\n")
    wrong.chmod(0o600)
    result = run("status", joined / "alfa", "--passphrase-file", wrong)
    assert (result.exit_code, "wrong passphrase" in result.stderr, "not the one" in result.output) == (2, True, False)
    wrong.write_text("\nsecond line\n")
    assert "is empty" in run("status", joined / "alfa", "--passphrase-file", wrong).stderr
    assert "cannot be read" in run("status", joined / "alfa", "--passphrase-file", tmp_path / "none").stderr
    monkeypatch.delenv(ENVIRONMENT)
    result = run("status", joined / "alfa")
    assert (result.exit_code, "--passphrase-file" in result.stderr) == (2, True)


def test_a_passphrase_is_asked_for_at_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal it is typed, twice for a new HOME; two different ones make nothing."""
    monkeypatch.delenv(ENVIRONMENT)
    monkeypatch.setattr("detente.cli.passphrases._at_terminal", lambda: True)
    result = run("init", tmp_path / "delta", *INIT, stdin="one\ntwo\n")
    assert (result.exit_code, "differ" in result.stderr) == (2, True)
    assert not (tmp_path / "delta").exists()
    done("init", tmp_path / "delta", *INIT, stdin="one\none\n")
    done("status", tmp_path / "delta", stdin="one\n")
    config = tmp_path / "delta" / "config.toml"
    config.write_text(config.read_text().replace('passphrase_file = ""', 'passphrase_file = "secret"'))
    (tmp_path / "delta" / "secret").write_text("one")
    result = run("status", tmp_path / "delta")
    assert (result.exit_code, "chmod 600" in result.stderr) == (0, True)


def test_a_home_in_use_is_left_alone(joined_desk: Desk) -> None:
    """While another process writes in HOME, nothing is opened there."""
    path = joined_desk.alfa / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        result = run("send", joined_desk.alfa, *SEND, "--exercise")
    finally:
        os.close(descriptor)
    assert (result.exit_code, "is in use by" in result.stderr) == (2, True)
