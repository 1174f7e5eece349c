"""The commands that control a running service: flow pause, flow resume, cancel."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from penstock.cli.command import SERVE, Given
from penstock.service.cli.service_app import open_project

Flow = Annotated[str, Parameter(name="FLOW", help="A flow of the project.")]
BY = "command line"


def add_to(app: App) -> None:
    flow = App(name="flow", help="Pause and resume a flow.", group=SERVE, sort_key=3)
    flow.command(pause, name="pause")
    flow.command(resume, name="resume")
    app.command(flow)
    app.command(cancel, group=SERVE, sort_key=4)


def pause(flow: Flow, /, *, command: Given) -> None:
    """Pause a flow: scheduled runs are skipped, and a running one stops after its requests in flight."""
    with open_project(command) as app:
        app.work.pause_flow(flow, by=BY)
        state = app.work.flow_state(flow)
    command.show({"flow": flow, **state}, lambda: [f"{flow} is paused."])


def resume(flow: Flow, /, *, command: Given) -> None:
    """Resume a flow: its schedule applies again from now on."""
    with open_project(command) as app:
        app.work.resume_flow(flow, by=BY)
        state = app.work.flow_state(flow)
    when = f", next run at {state['next_at']}" if state["next_at"] is not None else ""
    command.show({"flow": flow, **state}, lambda: [f"{flow} is resumed{when}."])


def cancel(
    run: Annotated[str, Parameter(name="RUN", help="The id of a run that a worker executes, or that is queued.")],
    /,
    *,
    command: Given,
) -> None:
    """Stop a run that is queued or that a worker executes.

    It stops after its requests in flight. The next run of the same destination or flow continues it.
    """
    with open_project(command) as app:
        request = app.work.cancel(run, by=BY)
    command.show(request, lambda: [f"The request to stop {run} is stored."])
