"""The service: the REST API over an open App."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route

from penstock.api.abandonment import Abandonment
from penstock.api.auditing import Auditing
from penstock.api.bodies import Bodies
from penstock.api.described import describe
from penstock.api.failing import tell_failures
from penstock.api.guard import Guard
from penstock.api.heard import Heard
from penstock.api.once import Once
from penstock.api.routes import (
    audit,
    care,
    destinations,
    flows,
    hooks,
    looking,
    overview,
    people,
    project,
    quarantine,
    resources,
    runs,
    schedules,
    sessions,
    settings,
    sign_on,
    unsaved,
    unsaved_data,
    watch,
)
from penstock.api.web import add_web
from penstock.engine.app import App
from penstock.sources.patience import Patience
from penstock.version import __version__

ROOT = "/api/v1"


def make_api(app: App, *, without_sign_in: bool = False) -> FastAPI:
    """The service's application. The App stays the caller's to close.

    `without_sign_in`: whoever reaches it on this machine may do everything; else they sign in.
    """
    api = FastAPI(
        title="Penstock", version=__version__, openapi_url=f"{ROOT}/openapi.json", docs_url=None, redoc_url=None
    )
    api.state.penstock = app
    api.state.without_sign_in = without_sign_in
    tell_failures(api)
    api.state.waiting = set[Patience]()
    api.add_middleware(Once, api=api)  # the innermost
    api.add_middleware(Abandonment, live=api.state.waiting)
    api.add_middleware(Bodies)
    api.add_middleware(Auditing, api=api)
    api.add_middleware(Guard, api=api)
    api.add_middleware(Heard, api=api)
    api.state.door = hooks.Door(app)
    api.add_middleware(hooks.Straight, door=api.state.door)  # the outermost: posts go straight to their door
    api.router.routes.insert(0, Route(hooks.PATH, api.state.door))
    parts = (
        sessions,
        sign_on,
        people,
        audit,
        hooks,
        looking,
        project,
        overview,
        unsaved,
        unsaved_data,
        destinations,
        quarantine,
        runs,
        flows,
        schedules,
        watch,
        care,
        settings,
        resources,
    )
    for part in parts:
        api.include_router(part.router, prefix=ROOT)
    api.include_router(watch.outside)
    add_web(api)
    describe(api)
    return api
