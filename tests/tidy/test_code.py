"""Code stays small enough to be read, opens with its law, and uses none of the short cuts that the project gave up."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.tidy import tree

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
LAW_CHARACTERS_MIN = 20

# Path, or path::function, to the reason why it is longer. An entry that is no longer needed fails.
LONGER: dict[str, str] = {}

# Written in parts, so that this file does not hold what it refuses.
LEFT_OVER = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")

SOURCES = tree.under("src", ending=".py")


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones included."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length_lines(node: ast.stmt) -> int:
    """Lines from the first to the last of a function, both counted."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def too_long(name: str) -> list[str]:
    """Keys of LONGER that the file would need."""
    file_lines = len(tree.lines_of(name))
    found = [name] if file_lines > FILE_LINES_MAX else []
    return found + [
        f"{name}::{function.name}"
        for function in functions(tree.parsed(name))
        if length_lines(function) > FUNCTION_LINES_MAX
    ]


def short_cuts(module: ast.Module, *, may_print: bool, pure: bool) -> list[str]:
    """Line and fault of everything in a file that the house rules exclude."""
    found = []
    for node in ast.walk(module):
        fault = ""
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            words = caught.strip("()").replace(" ", "").split(",")
            if {"", "Exception", "BaseException"} & set(words):
                fault = "a broad except hides bugs; catch what the call is known to raise"
        elif isinstance(node, ast.Assert):
            fault = "an assert disappears under -O; use errors.invariant"
        elif isinstance(node, ast.Call):
            fault = call_fault(ast.unparse(node.func), may_print=may_print, pure=pure)
        elif pure and isinstance(node, ast.AsyncFunctionDef | ast.Await):
            fault = "a pure room does not wait"
        elif isinstance(node, ast.Raise) and node.exc and "NotImplementedError" in ast.unparse(node.exc):
            fault = "a stub; leave the name out until it works"
        if fault:
            found.append(f"line {getattr(node, 'lineno', 0)}: {fault}")
    return found


def call_fault(called: str, *, may_print: bool, pure: bool) -> str:
    """What is wrong with calling a function of this name here, or an empty text."""
    if called == "print" and not may_print:
        return "only the command line prints"
    if called in {"eval", "exec", "compile", "__import__"}:
        return "the program runs no code that it was given"
    if pure and called == "open":
        return "a pure room opens no file"
    if pure and called.rpartition(".")[2] in {"now", "utcnow", "today"} and "date" in called:
        return "a pure room knows no clock; take the time as an argument"
    return ""


def left_over(line: str) -> bool:
    """Whether a line holds a note of work not done."""
    return bool(LEFT_OVER.search(line))


def test_files_and_functions_stay_short() -> None:
    """A file has at most 500 lines, a function at most 70, unless LONGER says why."""
    unexplained = [key for name in SOURCES for key in too_long(name) if key not in LONGER]
    assert not unexplained, "split these by what they keep:" + tree.report(unexplained)


def test_no_exception_for_length_is_stale() -> None:
    """LONGER names only what is still too long."""
    needed = {key for name in SOURCES for key in too_long(name)}
    assert set(LONGER) <= needed
    assert all(len(reason) > LAW_CHARACTERS_MIN for reason in LONGER.values())


def test_every_file_opens_with_its_law() -> None:
    """The first thing in a file is a docstring that says what it keeps."""
    names = [*SOURCES, *tree.under("tests", "fuzz", "bench", ending=".py")]
    found = [name for name in names if len(ast.get_docstring(tree.parsed(name)) or "") < LAW_CHARACTERS_MIN]
    assert not found, "these do not say what they keep:" + tree.report(found)


def test_no_short_cuts() -> None:
    """No broad except, no bare assert, no stub, no printing outside the command line; pure rooms stay pure."""
    found = [
        f"{name} {fault}"
        for name in SOURCES
        for fault in short_cuts(
            tree.parsed(name),
            may_print=tree.room_of(name) == "cli",
            pure=tree.room_of(name) in tree.PURE_ROOMS,
        )
    ]
    assert not found, tree.report(found)


def test_no_notes_of_work_not_done() -> None:
    """What is missing is in docs/LIMITATIONS.md or an issue, not in a comment."""
    found = [
        f"{name}:{number}"
        for name in tree.under("src", "tests", "spec", "scripts", "docs")
        if tree.is_text(name)
        for number, line in tree.lines_of(name)
        if left_over(line)
    ]
    assert not found, tree.report(found)


def test_every_test_says_what_it_tests() -> None:
    """Each test function has a docstring."""
    found = [
        f"{name}::{function.name}"
        for name in tree.under("tests", ending=".py")
        for function in functions(tree.parsed(name))
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert not found, tree.report(found)


@pytest.mark.parametrize(
    ("code", "pure"),
    [
        ("try:\n  f()\nexcept:\n  g()", False),
        ("try:\n  f()\nexcept Exception as e:\n  g()", False),
        ("try:\n  f()\nexcept (ValueError, BaseException):\n  g()", False),
        ("assert x", False),
        ("print(x)", False),
        ("eval(x)", False),
        ("raise NotImplementedError", False),
        ("open(x)", True),
        ("datetime.now()", True),
        ("async def f(): ...", True),
    ],
)
def test_the_check_sees_each_short_cut(code: str, pure: bool) -> None:
    """Each excluded form, planted, is found."""
    assert short_cuts(ast.parse(code), may_print=False, pure=pure)


def test_the_check_lets_plain_code_pass() -> None:
    """What the house rules allow is not reported."""
    plain = "try:\n  f()\nexcept (ValueError, OSError) as e:\n  raise Fault('x') from e"
    assert not short_cuts(ast.parse(plain), may_print=False, pure=True)
    assert not short_cuts(ast.parse("print(x); open(y)"), may_print=True, pure=False)
    assert left_over("# " + "TO" + "DO: later")
    assert not left_over("todos os dias")
