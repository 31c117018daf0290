"""Running commands in this process, and a desk on which two parties lay their HOMEs and their charter."""

from pathlib import Path

from click.testing import CliRunner, Result

from detente.cli.main import main

TITLE = "Line between Alfa and Bravo"


def run(*words: object, stdin: str = "") -> Result:
    """One command, in this process."""
    result = CliRunner().invoke(main, [str(word) for word in words], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception  # a traceback is a defect in every test
    return result


def done(*words: object, stdin: str = "") -> str:
    """The standard output of a command that must succeed."""
    result = run(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


class Desk:
    """A folder with the HOMEs `alfa` and `bravo` and, once drafted, the charter `line.charter`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alfa = folder / "alfa"
        self.bravo = folder / "bravo"
        self.charter = folder / "line.charter"

    def card(self, home: Path) -> Path:
        """The only card of a HOME."""
        (found,) = (home / "cards").glob("*.card")
        return found

    def draft(self, output: Path, *more: str, mode: str = "exercise") -> None:
        """A charter of both."""
        names = ("--name", "line.example.org/alfa-bravo", "--title", TITLE, "--mode", mode)
        cards = ("--card", self.card(self.alfa), "--card", self.card(self.bravo))
        done("charter", "draft", *names, *cards, *more, "-o", output)
