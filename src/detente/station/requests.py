"""What may be asked of a station at its local socket: the shape of a request, judged before anything acts on it.

It keeps: whatever octets come, there is a request of known shape or a LocalMisuse that names what is wrong; nothing that
a program of this machine writes can stop the engine.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

import msgspec

from detente.errors import LocalMisuse


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line on the socket."""

    operation: str
    arguments: dict[str, Any] | None = None


class _Arguments(TypedDict, total=False):
    """The arguments of all operations that stand in `desk.py`. Others are judged by who knows them."""

    channel: str | None
    after: Annotated[int, msgspec.Meta(ge=0, lt=2**40)] | None
    limit: Annotated[int, msgspec.Meta(ge=0)] | None
    entry: str | None
    reveal: bool | None
    form: str | None
    to: list[str] | None
    info: list[str] | None
    by: str | None
    lang: str | None
    text: str | None
    re: list[str] | None
    fields: dict[str, Any] | None
    precedence: str | None
    exercise: bool | None
    octets: str
    reason: str
    origin: str
    start: Annotated[int, msgspec.Meta(ge=0, lt=2**40)]
    sizes: dict[str, Annotated[int, msgspec.Meta(ge=0, lt=2**40)]]


def read_request(line: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and its arguments in a line. Raises LocalMisuse."""
    try:
        request = msgspec.json.decode(line, type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # a ValidationError is a DecodeError
        text = f"a request is a JSON object with `operation` and `arguments`, on one line: {error}"
        raise LocalMisuse(text) from error
    return request.operation, request.arguments or {}


def write_request(operation: str, arguments: Mapping[str, Any]) -> bytes:
    """The line for a request. Raises LocalMisuse for what is no text."""
    try:
        return msgspec.json.encode({"operation": operation, "arguments": arguments}) + b"\n"
    except UnicodeEncodeError as error:
        raise _not_text(operation, arguments) from error


def check_arguments(operation: str, arguments: Mapping[str, Any]) -> None:
    """Raise LocalMisuse unless every argument that is known is of its type, and every text is one."""
    try:
        msgspec.convert(arguments, type=_Arguments)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise LocalMisuse(f"{operation}: `{place.rstrip('`')}` cannot be used: {problem}") from error
    if any(isinstance(value, str) and not _is_text(value) for value in arguments.values()):
        raise _not_text(operation, arguments)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _not_text(operation: str, arguments: Mapping[str, Any]) -> LocalMisuse:
    wrong = [name for name, value in arguments.items() if isinstance(value, str) and not _is_text(value)]
    where = f"`{wrong[0]}`" if wrong else "a value"
    return LocalMisuse(
        f"{operation}: {where} holds half of a surrogate pair, so it is no text; convert it to UTF-8 first"
    )
