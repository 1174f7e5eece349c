"""Routes for the service itself: its version, its templates, and the sample company."""

from fastapi import APIRouter
from pydantic import BaseModel

from penstock.model.errors import InputError, Problem
from penstock.model.reports import Page, as_json, single_page
from penstock.model.spec import Dialect, Mode
from penstock.model.text import did_you_mean
from penstock.service.api.dependencies import Opened, Person, Right, needs
from penstock.service.app import ServiceApp
from penstock.version import __version__

router = APIRouter()


class AboutOut(BaseModel):
    name: str
    version: str
    openapi: str


class TemplateFieldOut(BaseModel):
    """A field of a template. `required` are the dialects that require it; `target` is its path in the native payload,
    null if native does not send it.
    """

    name: str
    label: str
    type: str
    description: str
    native: str | None
    target: str | None
    others: list[str]
    why: str | None
    required: list[Dialect]
    page: bool
    auto: bool
    max_length: int | None
    whole: bool
    choices: list[str]
    default: str | None
    or_id: bool


class ExternalOut(BaseModel):
    """The native field that identifies a record, and the destination's setting that names its columns."""

    field: str
    setting: str | None
    max_length: int | None


class TemplateOut(BaseModel):
    """A template for an endpoint of Custify. Mappings are by dialect. `match`: a record needs at least one of these
    fields.
    """

    name: str
    title: str
    description: str
    object: str
    phase: int
    fields: list[TemplateFieldOut]
    match: dict[str, list[str]]
    extras: dict[str, str]
    path: dict[str, str]
    retry: dict[str, str]
    retry_with: list[str] | None
    modes: list[Mode]
    job: str | None
    flat_batch: bool
    external: ExternalOut | None
    combine: list[str]
    text_limit: int | None
    attribute_limit: int | None
    attribute_chars: int | None
    items: dict[str, str]
    method: str


class DemoState(BaseModel):
    """Whether the sample company is loaded; `arrived` is the page of the local sandbox with the received records."""

    loaded: bool
    arrived: str | None


class DemoLoaded(BaseModel):
    """The new version of the project, the number of records per dataset, and the URL of the local sandbox."""

    version: int
    records: dict[str, int]
    sandbox: str
    arrived: str


@router.get("/", tags=["about"], operation_id="getAbout")
def about() -> AboutOut:
    """Returns the name and version of the service."""
    return AboutOut(name="penstock", version=__version__, openapi="/api/v1/openapi.json")


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


@router.get("/demo", tags=["demo"], operation_id="getDemo")
def demo(app: Opened, _: Person = needs(Right.VIEW)) -> DemoState:
    """Returns whether the sample company is loaded."""
    return DemoState(**app.demo.state())


@router.post("/demo", status_code=201, tags=["demo"], operation_id="loadDemo")
def load_demo(app: Opened, person: Person = needs(Right.EDIT)) -> DemoLoaded:
    """Loads the sample company with its data, and starts the local sandbox for Custify that it sends to.

    Its destination `notes` is a draft. Returns 409 if another project is applied.
    """
    return DemoLoaded(**app.demo.load(by=person.name))
