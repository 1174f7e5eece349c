"""The text of settings does not change when a release adds a field that the project does not use."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from penstock.model import spec
from penstock.model.settings_text import WRITTEN_BY_0_1_0, settings_text, without_settling
from penstock.model.spec import (
    Binding,
    DatasetSpec,
    DestinationSpec,
    FileSource,
    Mode,
    RequestSpec,
    Secret,
    SettleSpec,
    SqlSource,
    WebhookSource,
)

# As release 0.1.0 wrote them to the state database.
DATASET = (
    "DatasetSpec(name='companies', source='companies', key=('company_id',), sql=None, types=mappingproxy({}))"
    " FileSource(name='companies', path='companies.csv', base=PosixPath('/srv'), format=None, encoding=None,"
    " delimiter=None)"
)
DESTINATION = (
    "DestinationSpec(name='people', dataset='people', credential='acme', template='upsert_person', request=None,"
    " fields=mappingproxy({'user_id': Binding(column='id', constant=None, default=None),"
    " 'plan': Binding(column=None, constant=(None,), default=None)}), attributes='all', exclude=('a', 'b'),"
    " nulls='omit', mode=<Mode.CHANGED: 'changed'>, active=None, path=None, object=None, concurrency=0,"
    " batch=BatchSpec(mode='auto', size=None, max_bytes=None, grouping=None), fuse=None, mirror_max_share=None,"
    " on_changed='quarantine', external_id=None, data_id=None, responses=False, line=None)"
)


def test_settings_of_release_0_1_0_have_the_same_text():
    dataset = DatasetSpec("companies", "companies", ("company_id",))
    source = FileSource("companies", "companies.csv", Path("/srv"))
    assert f"{settings_text(dataset)} {settings_text(source)}" == DATASET
    fields = MappingProxyType({"user_id": Binding("id"), "plan": Binding(constant=(None,))})
    destination = DestinationSpec(
        "people", "people", "acme", "upsert_person", fields=fields, exclude=("a", "b"), mode=Mode.CHANGED
    )
    assert settings_text(replace(destination, concurrency=0, fuse=None)) == DESTINATION


def test_a_field_of_a_later_release_is_in_the_text_only_if_it_is_used(monkeypatch):
    @dataclass(frozen=True)
    class Sink:
        name: str
        old: int = 1
        new: bool = False
        more: tuple[str, ...] = ()

    monkeypatch.setitem(WRITTEN_BY_0_1_0, "Sink", "name old")
    assert settings_text((Sink("a"),)) == "(Sink(name='a', old=1),)"
    assert settings_text([Sink("a", new=True)]) == "[Sink(name='a', old=1, new=True)]"
    assert settings_text({"s": Sink("a", more=("x",))}) == "{'s': Sink(name='a', old=1, more=('x',))}"


def test_the_text_of_settings_contains_no_secret():
    url = Secret((("text", "postgresql://me:hunter2@host/x"),))
    assert "hunter2" not in settings_text(SqlSource("s", url, Path("/srv"), table="t"))


def test_every_class_of_the_list_exists():
    assert all(hasattr(spec, name) for name in WRITTEN_BY_0_1_0)


def test_an_empty_mapping_is_not_in_the_text():
    assert settings_text(WebhookSource("app")) == "WebhookSource(name='app')"
    source = WebhookSource("app", columns=MappingProxyType({"id": "text"}))
    assert settings_text(source) == "WebhookSource(name='app', columns=mappingproxy({'id': 'text'}))"


def test_settings_for_settling_can_be_left_out_of_the_text():
    request = RequestSpec("POST", "/things")
    plain = DestinationSpec("d", "d", "a", request=request, concurrency=3)
    settled = replace(request, settle=SettleSpec("/things/{record.id}", "$.id"))
    other = replace(plain, request=settled, on_unknown="hold", settle_after=0.0, confirm_timeout=1.0)
    assert settings_text(without_settling(other)) == settings_text(plain) != settings_text(other)
    assert without_settling(DestinationSpec("d", "d", "a", "create_task", on_unknown="hold")).request is None
