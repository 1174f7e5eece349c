"""The records, requests, refusals and notes of every template in both dialects.

`PENSTOCK_GOLDEN=write pytest tests/templates` rewrites the files: read the difference before you commit it.
"""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from penstock.model.record import key_text
from penstock.model.spec import BatchSpec
from penstock.render.batches import requests_for
from penstock.templates.catalogue import load_catalogue
from support.golden import golden
from support.kernel.compiled_destination import chunk_of, compiled

HERE = Path(__file__).parent
EXAMPLES = YAML(typ="safe").load((HERE / "examples.yaml").read_text(encoding="utf-8"))
CASES = [(name, dialect) for name in EXAMPLES for dialect in ("native", "flat")]


def test_every_template_has_an_example():
    assert set(EXAMPLES) == set(load_catalogue())


@pytest.mark.parametrize(("name", "dialect"), CASES, ids=["-".join(case) for case in CASES])
def test_requests_equal_the_golden_files(name, dialect):
    path = HERE / "golden" / f"{name}.{dialect}.txt"
    told = written(name, dialect)
    assert golden(path, told) == told


def written(name, dialect):
    example = dict(EXAMPLES[name])
    records, key = example.pop("records"), example.pop("key")
    chunk = chunk_of(records)
    lines = [f"{name} in {dialect}", "", "records"]
    lines += [f"  {json.dumps(record, ensure_ascii=False, default=str)}" for record in records]
    first = compiled(name, dialect, chunk, key, **example)
    limit = load_catalogue()[name].batch_limit(dialect)
    modes = ("off",) if limit is None else ("on",) if load_catalogue()[name].items else ("on", "off")
    for mode in modes:
        lines += ["", f"requests, batch {mode}"]
        lines += sent(compiled(name, dialect, chunk, key, BatchSpec(mode), **example), chunk)
    rendered = first.renderer.render(chunk)
    lines += ["", "refused"] + [f"  {key_text(r.key)}: {r.refusal.rule}: {r.refusal.reason}" for r in rendered.refused]
    notes = [(note.field, note.action, note.reason, "all") for note in first.notes]
    notes += [(*note, count) for note, count in rendered.notes.items()]
    lines += ["", "notes"] + [f"  {field} {action} ({count}): {why}" for field, action, why, count in notes]
    return "\n".join(lines) + "\n"


def sent(work, chunk):
    payloads = work.renderer.render(chunk).payloads
    shape = work.shape
    groups = [payloads] if shape.size > 1 else [[payload] for payload in payloads]
    lines = [f"  at most {shape.size} in a request, {shape.retry}, replies: {shape.replies}"]
    for group in groups:
        for request in requests_for(shape, group):
            lines += [f"  {request.method} {request.url}", f"    {request.body.decode()}"]
            lines += [f"    look up {ask.target}: {ask.kind} by {ask.by} {ask.value}" for ask in group[0].lookups]
    return lines
