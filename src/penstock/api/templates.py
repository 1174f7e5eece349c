"""The shape of a template: what a form, a check and a reference page are made of."""

from pydantic import BaseModel


class TemplateFieldOut(BaseModel):
    """One input field. `required`: in which dialects; `target`: where the native payload holds it, null for nowhere."""

    name: str
    label: str
    type: str
    description: str
    native: str | None
    target: str | None
    others: list[str]
    why: str | None
    required: list[str]
    page: bool
    auto: bool
    max_length: int | None
    whole: bool
    choices: list[str]
    default: str | None
    or_id: bool


class ExternalOut(BaseModel):
    """The native field that tells one record from another, and the destination's key that names its columns."""

    field: str
    setting: str | None
    max_length: int | None


class TemplateOut(BaseModel):
    """One endpoint of Custify; mappings go by dialect. `match`: a record needs any one of these fields."""

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
    modes: list[str]
    job: str | None
    flat_batch: bool
    external: ExternalOut | None
    combine: list[str]
    text_limit: int | None
    attribute_limit: int | None
    attribute_chars: int | None
    items: dict[str, str]
    method: str
