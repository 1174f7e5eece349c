"""The commands that control a running service: flow pause, flow resume, cancel."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from penstock.cli.command import SERVE, Given
from penstock.service.cli.service_app import open_project

Flow = Annotated[str, Parameter(name="FLOW", help="A flow of the project.")]
BY = "command line"


def add_to(app: App) -> None:
    flow = App(name="flow", help="Let a flow rest, let it go on.", group=SERVE, sort_key=3)
    flow.command(pause, name="pause")
    flow.command(resume, name="resume")
    app.command(flow)
    app.command(cancel, group=SERVE, sort_key=4)


def pause(flow: Flow, /, *, command: Given) -> None:
    """Let its times pass; what runs stops after the requests in flight."""
    with open_project(command) as app:
        app.work.pause_flow(flow, by=BY)
        state = app.work.flow_state(flow)
    command.show({"flow": flow, **state}, lambda: [f"{flow} rests."])


def resume(flow: Flow, /, *, command: Given) -> None:
    """Go on with its times from now on."""
    with open_project(command) as app:
        app.work.resume_flow(flow, by=BY)
        state = app.work.flow_state(flow)
    when = f", next at {state['next_at']}" if state["next_at"] is not None else ""
    command.show({"flow": flow, **state}, lambda: [f"{flow} goes on{when}."])


def cancel(
    run: Annotated[str, Parameter(name="RUN", help="A run that a worker executes, or that waits for one.")],
    /,
    *,
    command: Given,
) -> None:
    """Stop a run of a worker after its requests in flight; the next run of its target goes on with it."""
    with open_project(command) as app:
        asked = app.work.cancel(run, by=BY)
    command.show(asked, lambda: [f"{run} is asked to stop."])
