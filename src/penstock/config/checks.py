"""The checks over several keys: references between resources, and keys that exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from penstock.config.destinations import check_bindings, item_template
from penstock.config.flows import check_flows, refuse_circles
from penstock.config.requests import check_batch, check_path, check_request
from penstock.config.sources import RESPONSES
from penstock.config.values.references import split_address
from penstock.config.yaml.report import Report, suggest
from penstock.config.yaml.tree import Marked
from penstock.model.spec import CredentialSpec, DestinationSpec, Dialect, Mode, ProjectSpec, SqlSource
from penstock.templates.catalogue import Template

TEMPLATE_ONLY = ("path", "object", "external_id", "data_id", "company_link")


class CheckContext(NamedTuple):
    """What a destination's checks need besides the destination itself."""

    project: ProjectSpec
    templates: Mapping[str, Template]
    report: Report


def check_together(
    project: ProjectSpec, tree: Mapping[str, Marked], templates: Mapping[str, Template], report: Report
) -> None:
    """The checks that need the whole project."""
    ctx = CheckContext(project, templates, report)
    for name, dataset in project.datasets.items():
        if dataset.source:
            _check_source(dataset.source, tree["datasets"].at(name, "source"), ctx)
    for name, destination in project.destinations.items():
        _check_destination(destination, tree["destinations"].at(name), ctx)
    check_flows(project, tree["flows"], report)
    refuse_circles(project, tree["destinations"], report)


def _check_source(source: str, node: Marked, ctx: CheckContext) -> None:
    project = ctx.project
    if source in project.sources:
        return
    owner = source.removesuffix(RESPONSES)
    if source.endswith(RESPONSES) and owner in project.destinations:
        message = f"the destination {owner} does not store its replies"
        ctx.report.add(
            node.place, "unknown-name", message, f"write `responses: true` on the destination {owner}", source
        )
        return
    hint = suggest(source, project.sources, "sources")
    ctx.report.add(node.place, "unknown-name", f"there is no source {source}", hint, source)


def _check_destination(destination: DestinationSpec, node: Marked, ctx: CheckContext) -> None:
    project, report = ctx.project, ctx.report
    _check_known("dataset", destination.dataset, project.datasets, node, report)
    _check_known("credential", destination.credential, project.credentials, node, report)
    given = [key for key in ("template", "request") if key in node.entries()]
    if len(given) != 1:
        message = "both `template` and `request` are given" if given else "neither `template` nor `request` is given"
        place = node.at("request").place if given else node.place
        hint = "a destination needs exactly one of `template` and `request`"
        report.add(place, "one-of", message, hint, " and ".join(given) or "neither")
    _refuse_both_batches(node, report)
    template = None
    if destination.template is not None:
        template = _check_template(destination, node, ctx)
    if destination.request is not None:
        _check_manual(destination, node, ctx)
    _check_mode(destination, template, node, ctx)
    check_bindings(destination, _items_of(destination, template, ctx), node, report)


def _check_known(kind: str, name: str, known: Mapping[str, object], node: Marked, report: Report) -> None:
    if name and name not in known:
        hint = suggest(name, known, f"{kind}s")
        report.add(node.at(kind).place, "unknown-name", f"there is no {kind} {name}", hint, name)


def _refuse_both_batches(node: Marked, report: Report) -> None:
    if node.get("batch") is not None and node.get("request", "batch") is not None:
        message = "`batch` is given twice: on the destination and in its `request`"
        report.add(node.at("batch").place, "one-of", message, "keep the one in `request`", "batch, request.batch")


def _check_template(destination: DestinationSpec, node: Marked, ctx: CheckContext) -> Template | None:
    report = ctx.report
    name = str(destination.template)
    template = ctx.templates.get(name)
    place = node.at("template").place
    if template is None:
        hint = suggest(name, ctx.templates, "templates")
        report.add(place, "unknown-template", f"there is no template {name}", hint, name)
        return None
    credential = ctx.project.credentials.get(destination.credential)
    if credential is not None and credential.connector == "http":
        message = f"templates work only with Custify; the credential {credential.name} has `connector: http`"
        report.add(place, "wrong-connector", message, "use `request`, or a credential with `connector: custify`", name)
    if destination.path is not None:
        check_path(destination.path, node.at("path"), report)
        if "{" in destination.path or "}" in destination.path:
            message = "a template's path cannot have macros"
            hint = "write a path that is the same for every record, or use `request` with {record.x} in its `url`"
            report.add(node.at("path").place, "path-placeholder", message, hint, destination.path)
    check_batch(destination, template, dialects_of(credential), node, report)
    _check_template_keys(destination, template, node, report)
    return template


def _check_template_keys(destination: DestinationSpec, template: Template, node: Marked, report: Report) -> None:
    own = template.object if not template.items else None
    if destination.object is not None and own is not None and destination.object != own:
        message = f"{template.name} always sends objects of the kind {own}; only send_batch has `object`"
        report.add(node.at("object").place, "key-not-here", message, "remove `object`", destination.object)
    setting = template.external.setting if template.external is not None else None
    for key in ("external_id", "data_id"):
        if key in node.entries() and key != setting and not template.items:
            message = f"{template.name} has no {key}"
            hint = f"remove it; this template has `{setting}`" if setting else "remove it"
            report.add(node.at(key).place, "key-not-here", message, hint, key)


def _check_manual(destination: DestinationSpec, node: Marked, ctx: CheckContext) -> None:
    credential = ctx.project.credentials.get(destination.credential)
    request = node.at("request")
    assert destination.request is not None
    for key in TEMPLATE_ONLY:
        if key in node.entries():
            message = f"`{key}` is a key for templates, and this destination has `request`"
            ctx.report.add(node.at(key).place, "key-not-here", message, f"remove `{key}`", key)
    check_request(destination.request, credential, request, ctx.report)
    check_batch(destination, None, dialects_of(credential), node, ctx.report)


def dialects_of(credential: CredentialSpec | None) -> tuple[Dialect, ...]:
    """The dialects that this credential can have according to the file; none if the API is not Custify."""
    if credential is not None and credential.connector == "http":
        return ()
    if credential is None:
        return ("native", "flat")
    if credential.dialect != "auto":
        return (credential.dialect,)
    split = split_address(credential.base_url)
    if split is None:
        return ("native", "flat")
    return ("flat",) if split[1].path.rstrip("/").endswith("/api") else ("native",)


def _items_of(destination: DestinationSpec, template: Template | None, ctx: CheckContext) -> Template | None:
    return None if template is None else item_template(destination, template, ctx.templates)


def _check_mode(destination: DestinationSpec, template: Template | None, node: Marked, ctx: CheckContext) -> None:
    report = ctx.report
    if "mirror_max_share" in node.entries():
        place, found = node.at("mirror_max_share").place, "mirror_max_share"
        report.add(place, "not-available-yet", "`mode: mirror` is not available yet", f"remove `{found}`", found)
    mode = destination.mode
    if mode is None:
        return
    place = node.at("mode").place
    if template is not None and mode not in template.modes:
        words = ", ".join(template.modes)
        message = f"{template.name} does not support `mode: {mode}`"
        report.add(place, "mode-not-here", message, f"one of: {words}", mode)
    elif mode is Mode.MIRROR:
        _refuse_mirror(destination, node, ctx)


def _refuse_mirror(destination: DestinationSpec, node: Marked, ctx: CheckContext) -> None:
    dataset = ctx.project.datasets.get(destination.dataset)
    source = ctx.project.sources.get(dataset.source) if dataset is not None else None
    place = node.at("mode").place
    if isinstance(source, SqlSource) and source.cursor is not None:
        message = (
            f"`mirror` deletes what is no longer in the dataset, but the source {source.name} is read by its `cursor`"
        )
        hint = "a cursor does not show deleted rows: use `mode: changed`, or remove `cursor`"
        ctx.report.add(place, "mirror-with-cursor", message, hint, "mirror")
        return
    hint = "use changed, new or all"
    ctx.report.add(place, "not-available-yet", "`mode: mirror` is not available yet", hint, "mirror")
