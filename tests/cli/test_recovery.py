"""`backup`, `restore` and `doctor` on real HOMEs: what is in a backup, what is kept, what is refused, what is told."""

import io
import json
import shutil
import sqlite3
import tarfile
from pathlib import Path

import pytest

from detente.cli.passphrases import BACKUP_ENVIRONMENT
from detente.formats import age
from detente.station import backup as backups
from detente.station.backup import scratch
from detente.station.home import Home
from detente.station.local import ask
from detente.stores.age_file import AgeReader, AgeWriter
from tests.cli.desks import Desk, done, run

PASSPHRASE = b"another passphrase"


@pytest.fixture(autouse=True)
def _backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase for backups, and a work factor that does not take a second each."""
    path = tmp_path / "backup-passphrase"
    path.write_bytes(PASSPHRASE + b"\n")
    path.chmod(0o600)
    monkeypatch.setenv(BACKUP_ENVIRONMENT, str(path))
    monkeypatch.setattr(backups, "AgeWriter", lambda file, passphrase: AgeWriter(file, passphrase, log_work=4))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the lock, in which its last holder stands."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def members(path: Path) -> dict[str, bytes]:
    """What a backup holds."""
    with path.open("rb") as file:
        reader = AgeReader(file, PASSPHRASE)
        octets = b""
        while part := reader.read(100_000):
            octets += part
    with tarfile.open(fileobj=io.BytesIO(octets)) as archive:
        return {one.name: (archive.extractfile(one) or io.BytesIO()).read() for one in archive}


def forge(path: Path, contents: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> None:
    """A file that opens with the right passphrase and holds what one wants."""
    with path.open("wb") as file:
        writer = AgeWriter(file, PASSPHRASE, log_work=4)
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w") as archive:
            for name, octets in contents.items():
                member = tarfile.TarInfo(name)
                member.size, member.type = len(octets), kind
                archive.addfile(member, io.BytesIO(octets))
        writer.write(plain.getvalue())
        writer.finish()


def alter_one_body(store: Path) -> None:
    """One bit of one body."""
    with sqlite3.connect(store) as connection:
        key, body = connection.execute("SELECT id, body FROM bodies ORDER BY id DESC LIMIT 1").fetchone()
        connection.execute("UPDATE bodies SET body = ? WHERE id = ?", (bytes([body[0] ^ 1]) + body[1:], key))
    connection.close()


def talk(desk: Desk, count: int) -> None:
    """Alfa acknowledges nothing to nobody: it renews its keys, which needs no peer, and so grows its book."""
    for _ in range(count):
        ask(Home.open(desk.alfa), "renew_keys", {}, lambda: b"five words that nobody guesses")


def test_what_is_in_a_backup_and_what_never_is(joined_desk: Desk, tmp_path: Path) -> None:
    """Store, papers, settings; no private key, no epoch secret, no anchor; the file is for its owner alone."""
    talk(joined_desk, 3)
    before = tree(joined_desk.alfa)
    answer = json.loads(done("backup", joined_desk.alfa, "-o", tmp_path / "b.age", "--json"))
    assert answer["entries"] == 4
    held = members(tmp_path / "b.age")
    assert {name.split("/")[0] for name in held} == {
        "backup.json", "store.sqlite", "config.toml", "tls.der", "cards", "charters", "notes",
    }  # fmt: skip
    assert len([name for name in held if name.startswith("notes/")]) == 3
    keys = [octets for name, octets in before.items() if name.startswith(("keys/", "anchor/")) and len(octets) > 0]
    assert len(keys) > 5
    everything = b"".join(held.values())
    assert not any(octets[:200] in everything for octets in keys)
    assert (tmp_path / "b.age").stat().st_mode & 0o777 == 0o600
    changed = {name for name, octets in tree(joined_desk.alfa).items() if before.get(name) != octets}
    assert changed <= {"last-backup.json", "store.sqlite-wal", "store.sqlite-shm"}
    assert [path for path in joined_desk.alfa.iterdir() if path.name.startswith(".backup")] == []
    assert run("backup", joined_desk.alfa, "-o", tmp_path / "b.age").exit_code == 2, "never over another backup"


def test_a_damaged_store_gets_no_backup(joined_desk: Desk, tmp_path: Path) -> None:
    """One flipped bit of a body: refused, and no file has the backup's name."""
    talk(joined_desk, 1)
    alter_one_body(joined_desk.alfa / "store.sqlite")
    refused = run("backup", joined_desk.alfa, "-o", tmp_path / "b.age")
    assert refused.exit_code == 4
    assert "was altered" in refused.stderr
    assert [path.name for path in tmp_path.iterdir() if "b.age" in path.name] == []


def test_a_medium_that_writes_something_else_is_noticed(
    joined_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is read back before it gets its name."""
    real = backups._write

    def bad(path: Path, *arguments: object) -> None:
        real(path, *arguments)  # type: ignore[arg-type]
        octets = bytearray(path.read_bytes())
        octets[-100] ^= 1
        path.write_bytes(octets)

    monkeypatch.setattr(backups, "_write", bad)
    assert run("backup", joined_desk.alfa, "-o", tmp_path / "b.age").exit_code == 3
    assert [path.name for path in tmp_path.iterdir() if "b.age" in path.name] == []


def test_restore_keeps_what_home_has(joined_desk: Desk, tmp_path: Path) -> None:
    """Keys, anchor, settings and papers stay; the old store lies aside, whole; the next book opens by its note."""
    alfa = joined_desk.alfa
    talk(joined_desk, 2)
    done("backup", alfa, "-o", tmp_path / "b.age")
    talk(joined_desk, 3)
    before = tree(alfa)
    (alfa / "notes" / min(path.name for path in (alfa / "notes").iterdir())).unlink()
    told = json.loads(done("restore", tmp_path / "b.age", alfa, "--json"))
    (channel,) = told["channels"]
    assert (channel["book"], channel["size"], channel["told"], channel["missing"]) == (1, 3, 6, 3)
    assert (channel["next_book"], channel["opens"], channel["ready"]) == (2, True, 2)
    assert len(told["kept"]) == 1
    after = tree(alfa)
    kept = {name: octets for name, octets in before.items() if not name.startswith("store.sqlite")}
    assert after.items() >= kept.items()
    aside = Path(told["aside"])
    with sqlite3.connect(aside) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (6,)
    connection.close()
    status = json.loads(done("status", alfa, "--json"))["channels"][0]
    assert "were told" in status["stopped"]
    talk(joined_desk, 1)  # the first turn opens book 2
    books = {
        book["origin"][-6:]: book["size"] for book in json.loads(done("status", alfa, "--json"))["channels"][0]["books"]
    }
    assert books == {"alfa/1": 3, "alfa/2": 2}
    assert done("verify", alfa).startswith("SOUND")


def test_restore_into_a_new_home_with_keys_kept_apart(joined_desk: Desk, tmp_path: Path) -> None:
    """A new machine: backup and keys make a station; without an anchor the next book opens."""
    talk(joined_desk, 2)
    done("backup", joined_desk.alfa, "-o", tmp_path / "b.age")
    shutil.move(joined_desk.alfa / "keys", tmp_path / "kept")
    refused = run("restore", tmp_path / "b.age", tmp_path / "new")
    assert (refused.exit_code, "--keys FOLDER" in refused.stderr) == (2, True)
    shown = run("restore", tmp_path / "b.age", tmp_path / "new", "--keys", tmp_path / "kept")
    assert shown.exit_code == 0, shown.output
    assert "there is no anchor" in shown.stderr
    assert "Book 2 opens at the next start, by its note signed ahead; 1 more lie ready." in shown.stdout
    joined_desk.alfa = tmp_path / "new"
    talk(joined_desk, 1)
    books = json.loads(done("status", tmp_path / "new", "--json"))["channels"][0]["books"]
    assert [book["size"] for book in books if book["party"] == "alfa"] == [3, 2]


def test_what_only_the_others_know_can_be_said(joined_desk: Desk, tmp_path: Path) -> None:
    """Anchor lost, keys from a copy made before book 2 was begun: by word of the others it is passed over."""
    done("backup", joined_desk.alfa, "-o", tmp_path / "b.age")
    shutil.copytree(joined_desk.alfa / "keys", tmp_path / "kept")
    words = ("restore", tmp_path / "b.age", tmp_path / "new", "--keys", tmp_path / "kept", "--json")
    blind = json.loads(done(*words))["channels"][0]
    assert (blind["next_book"], blind["passed_over"]) == (2, [])
    shutil.rmtree(tmp_path / "new")
    (told,) = json.loads(done(*words, "--begun", 2))["channels"]
    assert (told["next_book"], [one[-6:] for one in told["passed_over"]], told["opens"]) == (3, ["alfa/2"], True)


@pytest.mark.parametrize("what", ["wrong passphrase", "damaged", "another party", "no backup", "altered store"])
def test_a_restore_that_is_refused_changes_nothing(joined_desk: Desk, tmp_path: Path, what: str) -> None:
    """Everything is decrypted and verified before anything is replaced."""
    file = tmp_path / "b.age"
    home = joined_desk.alfa
    done("backup", joined_desk.bravo if what == "another party" else home, "-o", file)
    octets = bytearray(file.read_bytes())
    status = 3
    if what == "wrong passphrase":
        (tmp_path / "backup-passphrase").write_text("wrong\n")
        status = 2
    elif what == "damaged":
        octets[-1] ^= 1
        file.write_bytes(octets)
    elif what == "another party":
        status = 2
    elif what == "no backup":
        forge(file, {"hello": b"x"})
    else:
        contents = members(file)
        with scratch(None) as folder:
            (folder / "store.sqlite").write_bytes(contents["store.sqlite"])
            alter_one_body(folder / "store.sqlite")
            contents["store.sqlite"] = (folder / "store.sqlite").read_bytes()
        forge(file, contents)
        status = 4
    before = tree(home)
    refused = run("restore", file, home)
    assert refused.exit_code == status, refused.output
    assert tree(home) == before


@pytest.mark.parametrize("name", ["../evil", "/evil", "keys/station.pem", "anchor/journal", "notes/../../evil", "x"])
def test_only_known_names_leave_a_backup(joined_desk: Desk, tmp_path: Path, name: str) -> None:
    """Whoever knows the passphrase still cannot place a file elsewhere, nor a key or an anchor."""
    forge(tmp_path / "b.age", {name: b"x"})
    refused = run("restore", tmp_path / "b.age", joined_desk.alfa)
    assert (refused.exit_code, "which no backup of Detente holds" in refused.stderr) == (3, True)
    forge(tmp_path / "c.age", {"notes/x.note": b""}, tarfile.SYMTYPE)
    assert run("restore", tmp_path / "c.age", joined_desk.alfa).exit_code == 3


def test_a_drill_leaves_home_as_it_was(joined_desk: Desk, tmp_path: Path) -> None:
    """It says what a real restore then does; not an octet of HOME changes; it needs no passphrase of keys."""
    talk(joined_desk, 1)
    done("backup", joined_desk.alfa, "-o", tmp_path / "b.age")
    talk(joined_desk, 4)
    done("status", joined_desk.alfa)
    before = tree(joined_desk.alfa)
    answer = json.loads(done("doctor", joined_desk.alfa, "--restore-drill", tmp_path / "b.age", "--json"))
    assert tree(joined_desk.alfa) == before
    real = json.loads(done("restore", tmp_path / "b.age", joined_desk.alfa, "--json"))
    assert answer["channels"] == real["channels"]
    shown = done("doctor", joined_desk.alfa, "--restore-drill", tmp_path / "b.age")
    assert "Book 1 is never written again: 6 entries of" in shown
    assert "4 entries of it were told and are not in this store" in shown


def test_more_notes_when_they_run_out(joined_desk: Desk, tmp_path: Path) -> None:
    """After two restores no note is left: the doctor says so, signing the same charter makes more, and a book opens."""
    alfa = joined_desk.alfa
    done("backup", alfa, "-o", tmp_path / "b.age")
    for _ in range(2):
        talk(joined_desk, 1)
        done("restore", tmp_path / "b.age", alfa)
        next(alfa.glob("store-until-*.sqlite")).rename(tmp_path / "old")  # two within one second need two names
    talk(joined_desk, 1)
    drilled = run("doctor", alfa, "--restore-drill", tmp_path / "b.age")
    assert drilled.exit_code == 3
    assert "There is no signed note of book 4" in drilled.stdout
    done("restore", tmp_path / "b.age", alfa)
    refused = run("send", alfa, "--to", "bravo", "--precedence", "routine", "--message", "x", "--exercise")
    assert (refused.exit_code, "detente charter sign" in refused.stderr) == (4, True)
    shown = done("charter", "sign", alfa, joined_desk.charter, "--yes")
    assert "book notes are made" in shown
    talk(joined_desk, 1)
    books = json.loads(done("status", alfa, "--json"))["channels"][0]["books"]
    assert [book["size"] for book in books if book["party"] == "alfa"] == [1, 0, 0, 2]
    assert done("charter", "sign", alfa, joined_desk.charter, "--yes").count("book notes are made") == 1
    assert done("charter", "sign", alfa, joined_desk.charter, "--yes").count("book notes are made") == 0


def test_the_doctor_sees_what_is_wrong(joined_desk: Desk, tmp_path: Path) -> None:
    """A well station, then each trouble alone; each finding says what to do."""
    alfa = joined_desk.alfa
    done("backup", alfa, "-o", tmp_path / "b.age")

    def states() -> dict[str, str]:
        answer = json.loads(run("doctor", alfa, "--json").stdout)
        assert all(one["todo"] or "; " in one["saw"] for one in answer["checks"] if one["state"] != "well")
        worst: dict[str, str] = {}
        for one in answer["checks"]:
            worst[one["what"]] = max(worst.get(one["what"], "well"), one["state"], key=["well", "look", "bad"].index)
        return worst

    well = states()
    assert set(well) == {"permissions", "keys", "certificate", "anchor", "books", "clock", "disk", "backup", "store"}
    assert {what for what, state in well.items() if state != "well"} == {"keys", "anchor"}  # root here, one medium
    assert run("doctor", alfa).exit_code == 0
    alfa.chmod(0o755)
    assert states()["permissions"] == "bad"
    alfa.chmod(0o700)
    book = next(path for path in (alfa / "keys").glob("book-*.used")).with_suffix(".pem")
    book.rename(tmp_path / "book.pem")
    assert states()["keys"] == "bad"
    (tmp_path / "book.pem").rename(book)
    reader = next((alfa / "keys").glob("hpke-*.pem"))
    reader.rename(tmp_path / "hpke.pem")
    assert states()["keys"] == "bad"
    (tmp_path / "hpke.pem").rename(reader)
    (alfa / "last-backup.json").unlink()
    assert states()["backup"] == "bad"
    journal = alfa / "anchor" / "journal"
    octets = journal.read_bytes()
    journal.unlink()
    assert (states()["anchor"], states()["books"]) == ("bad", "look")
    journal.write_bytes(octets)
    alter_one_body(alfa / "store.sqlite")
    assert states()["store"] == "bad"
    assert run("doctor", alfa).exit_code == 3


def test_an_older_work_factor_is_not_what_we_write() -> None:
    """Real backups have the work factor of the stock tool."""
    file = io.BytesIO()
    AgeWriter(file, PASSPHRASE)
    assert b" 18\n" in file.getvalue()
    assert age.LOG_WORK == 18


def test_a_running_station_is_not_restored(joined_desk: Desk, tmp_path: Path) -> None:
    """Whoever holds the lock is named, and nothing changes."""
    done("backup", joined_desk.alfa, "-o", tmp_path / "b.age")
    home = Home.open(joined_desk.alfa)
    with home.lock("detente run"):
        before = tree(home.path)
        refused = run("restore", tmp_path / "b.age", joined_desk.alfa)
        assert (refused.exit_code, "in use by detente run" in refused.stderr) == (2, True)
        assert tree(home.path) == before
    missing = run("restore", tmp_path / "no.age", joined_desk.alfa)
    assert (missing.exit_code, "there is no backup" in missing.stderr) == (2, True)


def test_the_doctor_before_joining(drafted_desk: Desk) -> None:
    """A new station is told to join."""
    answer = run("doctor", drafted_desk.alfa)
    assert (answer.exit_code, "no channel was joined yet" in answer.stdout) == (0, True)


def test_the_doctor_after_a_lost_store(joined_desk: Desk) -> None:
    """The anchor says that there was one: restore it."""
    for path in joined_desk.alfa.glob("store.sqlite*"):
        path.unlink()
    answer = run("doctor", joined_desk.alfa)
    assert (answer.exit_code, "detente restore FILE" in answer.stdout) == (3, True)
