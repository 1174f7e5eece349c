"""Arguments and options that several commands share, each described once."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from penstock.cli.face import Face

Given = Annotated[Face, Parameter(parse=False)]  # where to read and write: made of the options of every command
Destination = Annotated[str, Parameter(name="DEST", help="A destination of the project.")]
Target = Annotated[str, Parameter(name="TARGET", help="A destination or flow of the project.")]
RunId = Annotated[str, Parameter(name="RUN", help="The id of a run, such as r-20260131-120000-x7f2m9.")]
EntryId = Annotated[str, Parameter(name="ID", help="The id of a held record, such as q-3.")]
EntryIds = Annotated[str, Parameter(name="ID", help="Ids of held records, such as q-3 q-4.")]
OfCause = Annotated[str | None, Parameter(name="--cause", help="All that are held for this cause.")]
AllHeld = Annotated[bool, Parameter(name="--all", help="All that are held.")]
Refresh = Annotated[bool, Parameter(name="--refresh", help="Decide anew, also when an answer is stored.")]
