"""Routes for the service itself, file formats, templates, datasets and credentials."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from penstock.model.errors import InputError, Problem
from penstock.model.reports import CheckJson, Page, as_json, check_json, single_page
from penstock.model.text import did_you_mean
from penstock.service.api.dependencies import Limit, Opened, Person, Right, needs
from penstock.service.api.middleware.limits import limit_queries
from penstock.service.api.reports import ColumnOut, DatasetOut, SamplesOut
from penstock.service.api.shapes import TemplateOut
from penstock.service.app import ServiceApp
from penstock.version import __version__

router = APIRouter()


class NewSecret(BaseModel):
    """An API key. It is never returned."""

    model_config = ConfigDict(extra="forbid")
    secret: Annotated[str, Field(min_length=1)]


class AboutOut(BaseModel):
    name: str
    version: str
    openapi: str


class FormatOut(BaseModel):
    """A file format: `label` and `about` are for people; `options` are the keys of a file source that apply to it.

    `extensions` are its usual extensions, the most usual first. An extension of several formats sets none of them.
    """

    name: str
    label: str
    about: str
    extensions: list[str]
    options: list[str]
    is_text: bool
    can_upload: bool


class HowToCheck(BaseModel):
    model_config = ConfigDict(extra="forbid")
    refresh: bool = False


@router.get("/", tags=["about"], operation_id="getAbout")
def about() -> AboutOut:
    """Returns the name and version of the service."""
    return AboutOut(name="penstock", version=__version__, openapi="/api/v1/openapi.json")


@router.get("/formats", tags=["sources"], operation_id="listFormats")
def formats(_: Person = needs(Right.VIEW)) -> Page[FormatOut]:
    """Returns the file formats that sources read. Files may also be compressed with gzip (`.gz`)."""
    return single_page([FormatOut.model_validate(each, from_attributes=True) for each in ServiceApp.file_formats()])


@router.get("/templates", tags=["templates"], operation_id="listTemplates")
def templates(_: Person = needs(Right.VIEW)) -> Page[TemplateOut]:
    """Returns all templates with their fields."""
    return single_page([TemplateOut(**as_json(template)) for template in ServiceApp.templates().values()])


@router.get("/templates/{name}", tags=["templates"], operation_id="getTemplate")
def template(name: str, _: Person = needs(Right.VIEW)) -> TemplateOut:
    """Returns a template: its fields with labels, types, limits and rules."""
    found = ServiceApp.templates().get(name)
    if found is None:
        hint = did_you_mean(name, ServiceApp.templates(), f"there are: {', '.join(ServiceApp.templates())}")
        raise InputError(Problem("template", f"there is no template {name}", "no-such-template", hint, name))
    return TemplateOut(**as_json(found))


@router.get(
    "/datasets/{name}/schema", tags=["datasets"], operation_id="getDatasetSchema", dependencies=[Depends(limit_queries)]
)
def schema(name: str, app: Opened, _: Person = needs(Right.VIEW)) -> DatasetOut:
    """Returns the detected columns of a dataset."""
    return DatasetOut(**as_json(app.dataset(name)))


@router.get(
    "/datasets/{name}/samples",
    tags=["datasets"],
    operation_id="getDatasetSamples",
    dependencies=[Depends(limit_queries)],
)
def samples(name: str, app: Opened, limit: Limit = 50, _: Person = needs(Right.VIEW)) -> SamplesOut:
    """Returns the columns and the stored sample records of a dataset."""
    found = app.dataset(name)
    columns = [ColumnOut(**as_json(column)) for column in found.schema.columns]
    return SamplesOut(columns=columns, rows=app.samples(name)[:limit], problems=[])


@router.post(
    "/datasets/{name}/refresh", tags=["datasets"], operation_id="refreshDataset", dependencies=[Depends(limit_queries)]
)
def refresh(name: str, app: Opened, _: Person = needs(Right.EDIT)) -> DatasetOut:
    """Reads the dataset and detects its columns again."""
    return DatasetOut(**as_json(app.dataset(name, refresh=True)))


@router.put("/credentials/{name}/secret", status_code=204, tags=["credentials"], operation_id="setSecret")
def secret(name: str, given: NewSecret, app: Opened, _: Person = needs(Right.EDIT)) -> None:
    """Stores the API key of a credential, sealed. It is never returned."""
    app.set_credential(name, given.secret)


@router.post("/credentials/{name}/check", tags=["credentials"], operation_id="checkCredential")
def check(name: str, how: HowToCheck, app: Opened, _: Person = needs(Right.OPERATE)) -> CheckJson:
    """Checks a credential with a request to the API, and returns which base URL responded."""
    return check_json(app.check(name, refresh=how.refresh))
