"""The App of a request, on the newest version of the applied project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from penstock.engine.app import App
from penstock.engine.surroundings import CodePolicy
from penstock.model.people import Person, Right

CODE: Mapping[Right, CodePolicy] = {Right.VIEW: "none", Right.OPERATE: "saved"}


def _opened(request: Request) -> App:
    app = request.app.state.penstock
    assert isinstance(app, App)
    app.keep_up()
    return app


Opened = Annotated[App, Depends(_opened)]


def seen_by(app: App, person: Person) -> App:
    """The App for this person: viewers run no grouping code, operators saved code, editors unsaved code too."""
    return app.with_code(CODE.get(person.right, "any"))
