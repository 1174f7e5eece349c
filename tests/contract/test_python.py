"""The names of `from penstock import …`, their signatures, and the fields of the results."""

import dataclasses
import inspect
import types
import typing

import penstock
from penstock import Project

UNIONS = (types.UnionType, typing.Union)


def test_public_names(golden):
    methods = {
        name: signature(value)
        for name, value in inspect.getmembers(Project, callable)
        if not name.startswith("_") or name in ("__enter__", "__exit__")
    }
    golden("python", {"penstock": sorted(penstock.__all__), "Project": methods})


def signature(method):
    """The parameters with kind, default and type, and the type of the result."""
    hints = typing.get_type_hints(method)
    parameters = [
        {
            "name": parameter.name,
            "kind": parameter.kind.description,
            "default": "none" if parameter.default is parameter.empty else repr(parameter.default),
            "type": shape(hints.get(parameter.name)),
        }
        for parameter in inspect.signature(method).parameters.values()
        if parameter.name != "self"
    ]
    return {"parameters": parameters, "returns": shape(hints.get("return"))}


def shape(kind, outer=()):
    """A type as JSON: a dataclass is its fields, without its name. A recursive type is cut."""
    if kind in outer:
        return f"the shape {len(outer) - outer.index(kind)} further out"
    names = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else fields_of(kind)
    if names:
        hints = typing.get_type_hints(kind)
        more = [name for name, value in vars(kind).items() if isinstance(value, property) and not name.startswith("_")]
        return {name: shape(hints[name], (*outer, kind)) for name in names} | dict.fromkeys(more, "property")
    given = [[*part] if isinstance(part, list) else part for part in typing.get_args(kind)]
    inner = [[shape(each, outer) for each in part] if isinstance(part, list) else shape(part, outer) for part in given]
    if not inner:
        return getattr(kind, "__name__", str(kind))
    origin = typing.get_origin(kind)
    return {"one of" if origin in UNIONS else getattr(origin, "__name__", str(origin)): inner}


def fields_of(kind):
    """The fields of a named tuple; empty for any other type."""
    return getattr(kind, "_fields", ())
