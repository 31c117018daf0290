"""Speaking: hostile text is shown harmless, an exercise is named first and last, times carry their age."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from detente.cli.online_views import say_log, say_status
from detente.cli.speech import EXERCISE_LINE, framed, pairs, printable, say, say_table, show_time
from detente.errors import LocalMisuse

NOW_MS = 1_900_000_000_000


@given(st.text())
def test_nothing_unprintable_gets_through(text: str) -> None:
    """Whatever is said, only printable characters, newlines and tabs reach the terminal; plain text stays as it is."""
    shown = printable(text)
    assert all(one.isprintable() or one in "\n\t" for one in shown)
    assert printable(shown) == shown


def test_escapes_and_direction_marks_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """An escape sequence or a right-to-left override is shown by its number."""
    say("a\x1b[2Jb\u202ec")
    assert capsys.readouterr().out == "a<U+001B>[2Jb<U+202E>c\n"


def test_tables_read_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets in a name are shown, not obeyed."""
    say_table(("name",), [("[bold red]Alfa[/]",)])
    assert "[bold red]Alfa[/]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("elapsed_s", "age"),
    [
        (0, "now"),
        (1, "1 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7_199, "119 min ago"),
        (7_200, "2 h ago"),
        (172_800, "2 days ago"),
        (-60, "in 60 s"),
        (-600, "in 10 min"),
    ],
)
def test_times_carry_their_age(elapsed_s: int, age: str) -> None:
    """UTC to the second, and how long ago, or in how long."""
    shown = show_time(NOW_MS - elapsed_s * 1_000, NOW_MS)
    assert shown.endswith(f"Z ({age})")
    assert show_time(NOW_MS, NOW_MS).startswith("2030-03-17 17:46:40Z")


@pytest.mark.parametrize("moment_ms", [None, 2**48 - 1, 2**62])
def test_times_that_are_no_dates_are_shown(moment_ms: int | None) -> None:
    """A claimed time that no calendar holds is a number; none is a dash."""
    assert show_time(moment_ms, NOW_MS)


def test_an_exercise_is_named_whatever_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """First and last line, also when something between fails; a REAL channel has neither."""
    with pytest.raises(LocalMisuse, match="--name"), framed("EXERCISE"):
        pairs(["broken"], "--name")
    assert capsys.readouterr().out.split("\n") == [EXERCISE_LINE, EXERCISE_LINE, ""]
    with framed("REAL"):
        say("alone")
    assert capsys.readouterr().out == "alone\n"


@pytest.mark.parametrize("values", [("en",), ("english=x",), ("en=",), ("en=a", "en=b")])
def test_names_by_language(values: tuple[str, ...]) -> None:
    """LANGUAGE=TEXT, each language once; a text may hold = itself."""
    assert pairs(["en=a=b", "uk=c"], "--name") == {"en": "a=b", "uk": "c"}
    with pytest.raises(LocalMisuse, match="--name"):
        pairs(values, "--name")


def entry(**more: object) -> dict[str, object]:
    """A line of the log, as records/log.py gives it."""
    plain: dict[str, object] = {
        "ref": "bravo/4", "party": "bravo", "book": 1, "index": 4, "at": NOW_MS - 5_000, "held_at": NOW_MS,
        "precedence": "FLASH", "kind": "sealed", "form": "message", "fields": None, "text": "Call us.", "lang": "en",
        "by": None, "to": ["alfa"], "info": [], "re": [], "part": None, "whole": None, "ladder": [], "mark": None,
        "broken": [], "unreadable": None, "implausible": False,
    }  # fmt: skip
    return plain | more


def shown_log(capsys: pytest.CaptureFixture[str], *entries: dict[str, object], everything: bool = False) -> str:
    """The log of these entries for people."""
    answer = json.loads(json.dumps({"channel": "line.example/x", "mode": "REAL", "entries": entries}))
    say_log(answer, NOW_MS, everything=everything)
    return capsys.readouterr().out


def test_a_text_cannot_pass_for_a_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of a text stands behind a bar, so it cannot imitate an entry, a ladder or the exercise line."""
    out = shown_log(capsys, entry(text=f"x\nalfa/9  FLASH\n  alfa: answered\n{EXERCISE_LINE}\x1b[1A\r\u2028y"))
    texts = [line for line in out.split("\n") if "alfa/9" in line or "answered" in line or EXERCISE_LINE in line]
    assert len(texts) == 3
    assert all(line.startswith("    | ") for line in texts)
    assert "\x1b" not in out
    assert "\r" not in out


def test_a_text_cannot_pass_for_a_line_of_ours_on_a_narrow_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a line is broken, what goes on stands behind a mark too; marks of characters are not broken."""
    monkeypatch.setattr("detente.cli.speech.WIDTH_OF_FILES", 40)
    text = "please " * 5 + "alfa/9  FLASH  message  2030-01-31 " + "\u202e" * 12 + " " + "x" * 90 + " \u505c" * 40
    by = "duty officer" + " " * 21 + "alfa/9  FLASH\n  alfa: answered\t"
    out = shown_log(capsys, entry(text=text, by=by, fields={"a": "b" * 50 + "\nalfa/9"}))
    lines = out.split("\n")[3:]
    assert all(line.startswith(("    | ", "    : ", "  to", "  fields: ")) for line in lines if line)
    assert all(cell_len(line) <= 40 for line in lines)
    assert out.count("<U+202E>") == 12
    assert "".join(line[6:] for line in lines if "x" * 20 in line).count("x") == 90
    assert "answered<U+0009>" in out


def test_text_and_fields_are_both_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """What a party signed is not left out because it signed a text as well."""
    out = shown_log(capsys, entry(fields={"number": 3}))
    assert '    | Call us.\n  fields: {"number": 3}\n' in out


def test_ladder_rungs_name_their_proof(capsys: pytest.CaptureFixture[str]) -> None:
    """LADDER-3: each rung with its first proof, the highest first; queued has none."""
    receipt = {"step": "receipt by a station that holds", "cosigner": "k", "size": 5, "timestamp_s": NOW_MS // 1_000}
    proofs = [
        receipt,
        {"step": "counted by a verified seen", "entry": "bravo/1"},
        {"step": "reply", "entry": "bravo/3"},
    ]
    ladder = [
        {"party": "bravo", "rung": "answered", "proofs": proofs},
        {"party": "harbour", "rung": "queued", "proofs": []},
    ]
    out = shown_log(capsys, entry(ladder=ladder))
    assert "  bravo: answered (answered: bravo/3; held: receipt 2030-03-17 17:46:40Z (now))\n  harbour: queued\n" in out


def test_broken_and_unreadable_entries_are_never_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Entries of the protocol are counted; one that breaks a rule, or cannot be read, is shown."""
    quiet = entry(kind="keys", form=None, text=None)
    broken = entry(kind="keys", form=None, text=None, broken=[{"rule": "BOOK-9", "text": "seen decreases"}])
    unreadable = entry(text=None, form=None, unreadable="cannot process: check fails")
    out = shown_log(capsys, quiet, quiet, broken, unreadable)
    assert "BROKEN RULE by bravo: BOOK-9, seen decreases" in out
    assert "not readable here: cannot process: check fails" in out
    assert "2 entries of the protocol itself are not shown" in out
    assert "not shown" not in shown_log(capsys, quiet, everything=True)
    assert "Nothing has been said" in shown_log(capsys)


def test_status_of_a_station_that_does_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    """It says so first, and what to do where nothing was joined."""
    say_status({"party": "alfa", "station": "hq", "running": False, "channels": []}, NOW_MS)
    out = capsys.readouterr().out
    assert "does NOT run" in out
    assert "detente charter join" in out
