"""Rules of the pointer to a project's active model version: when it may move, and where back is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["promotion", "override", "rollback", "manual"]
Decision = Literal["promote", "reject", "insufficient_evidence"]
VersionState = Literal["candidate", "active", "rejected", "withdrawn"]


class Refused(Exception):
    """This move may not happen; ``code`` is for programs, the text for people."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True)
class Move:
    """One line of the log: the pointer went from one version (None: there was none) to another."""

    kind: Kind
    from_id: str | None
    to_id: str


def promotion_kind(decision: Decision | None, overridable: bool, reason: str) -> Kind:
    """What promoting a candidate is called after its gate report. Raises Refused.

    A person may go against the report with a reason, unless the candidate is broken or its comparison dishonest.
    """
    if decision is None:
        raise Refused("not_judged", "This candidate was not compared with the active version yet.")
    if decision == "promote":
        return "promotion"
    if not overridable:
        raise Refused("not_overridable", "This candidate is broken or its comparison is not honest: nobody may use it.")
    if not reason.strip():
        raise Refused("reason_needed", "The gate report does not recommend this candidate: say why it is used anyway.")
    return "override"


def check_version(state: VersionState, kind: Kind) -> None:
    """Whether a version in this state may become active by such a move; raises Refused.

    A candidate gets there through the gates alone; what was withdrawn or rejected never does.
    """
    if state == "active" or (state == "candidate" and kind in ("promotion", "override")):
        return
    if state == "candidate":
        raise Refused("not_promoted", "This model version is a candidate: it has not passed the gates of its round.")
    raise Refused(state, f"This model version was {state}.")


def version_before(log: Iterable[Move]) -> str | None:
    """Where a rollback leads after these moves, the first one first; None where there is nothing before.

    As undo does in an editor: a second rollback goes further back, not to and fro.
    """
    path: list[str] = []
    for move in log:
        if not path and move.from_id is not None:
            path.append(move.from_id)
        if move.kind == "rollback" and move.to_id in path:
            while path[-1] != move.to_id:
                path.pop()
        elif not path or path[-1] != move.to_id:
            path.append(move.to_id)
    return path[-2] if len(path) > 1 else None
