"""The App of a request, on the newest version of the applied project."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from penstock.engine.app import App


def _opened(request: Request) -> App:
    app = request.app.state.penstock
    assert isinstance(app, App)
    app.keep_up()
    return app


Opened = Annotated[App, Depends(_opened)]
