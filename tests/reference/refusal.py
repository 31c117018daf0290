"""The one exception of this reader: a refusal, which names the rule that was broken."""

from __future__ import annotations


class Refusal(Exception):
    """Something was refused; `rule` is the number of the rule, as in `BOOK-4`, or `spec/3`."""

    def __init__(self, rule: str, why: str) -> None:
        """Keep the rule and the reason."""
        super().__init__(f"{rule} {why}")
        self.rule = rule
        self.why = why


def require(condition: bool, rule: str, why: str) -> None:
    """Refuse by `rule` if the condition does not hold."""
    if not condition:
        raise Refusal(rule, why)
