"""A listener that stores the reported events."""

from typing import Any

from penstock.model.events import SILENT


class EventListener:
    """`all` has every event with its facts, in order. Secrets and traces are ignored."""

    def __init__(self) -> None:
        self.all: list[tuple[str, dict[str, Any]]] = []
        self.hide, self.span = SILENT.hide, SILENT.span

    def emit(self, event: str, /, **facts: Any) -> None:
        self.all.append((event, facts))

    def of(self, event: str) -> list[dict[str, Any]]:
        """The facts of each time that this event was reported."""
        return [facts for name, facts in self.all if name == event]
