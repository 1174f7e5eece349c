"""Requests that are asked twice are done once: the door `App.answered`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from penstock.engine.surroundings import Surroundings
from penstock.model.errors import ConflictError, InputError, Problem
from penstock.stores import answers
from penstock.stores.answers import Asked, Kept

KEPT_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of the API."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """`around` answers the project as it is now."""

    around: Callable[[], Surroundings]

    def begin(self, request: Asked) -> Answer | None:
        """The answer there is, or None: then it is to be done, and kept or forgotten.

        ConflictError when the name belongs to another request, or while the same one is being done.
        """
        around = self.around()
        now = around.clock.now().timestamp()
        with around.database.begin() as conn:
            known = answers.find(conn, request, now)
            if known is None:
                answers.begin(conn, request, now + KEPT_S)
                return None
        if known.asked != request.asked:
            message = "this key was used for another request"
            raise _refusal(message, "key-reused", "give every request a key of its own", request)
        if known.status is None:
            message = "the same request is being done, or nobody knows how it ended"
            raise _refusal(message, "in-progress", "ask again in a moment; if it stays so, look what is there", request)
        return Answer(known.status, known.headers, self._body(around, request, known))

    def keep(self, request: Asked, answer: Answer) -> None:
        """It was done: the same request gets this answer for a day."""
        around = self.around()
        sealed = answers.seal(around.sealer(), request, answer.body) if answer.body else None
        with around.database.begin() as conn:
            answers.keep(conn, request, Kept(request.asked, answer.status, answer.headers, sealed))

    def forget(self, request: Asked) -> None:
        """It was refused, so nothing was done: it may be asked again."""
        with self.around().database.begin() as conn:
            answers.forget(conn, request)

    @staticmethod
    def _body(around: Surroundings, request: Asked, known: Kept) -> bytes:
        if known.sealed is None:
            return b""
        try:
            return answers.opened(around.sealer(), request, known.sealed)
        except InputError:  # the sealing key was rotated since
            message = "it was done, and its answer cannot be shown again"
            raise _refusal(message, "answer-gone", "look what is there", request) from None


def _refusal(message: str, code: str, hint: str, request: Asked) -> ConflictError:
    return ConflictError(Problem("Idempotency-Key", message, code, hint, found=request.key))
