"""Field discovery of companies and people, native: their standard and custom fields with types."""

from penstock_sandbox.account.account import Account, Handler
from penstock_sandbox.account.call import Call, Reply
from penstock_sandbox.payloads import field_rules
from penstock_sandbox.payloads.field_rules import Rule


def field_discovery(kind: str, standard: dict[str, Rule]) -> Handler:
    """Field discovery (Custify's own MCP server): standard fields, then the custom ones with their pinned types."""
    types: dict[Rule, str] = {
        field_rules.integer: "Number",
        field_rules.boolean: "Boolean",
        field_rules.date_time: "Date",
    }
    hidden = {"$unset", "custom_attributes", "companies", "parent_companies"}
    fixed = [
        {"name": name, "niceName": _nice(name), "fieldType": types.get(rule, "String")}
        for name, rule in standard.items()
        if name not in hidden
    ]

    def read(account: Account, _call: Call) -> Reply:
        custom = account.store.attributes[kind].items()
        own = [{"name": f"custom_attributes.{n}", "niceName": _nice(n), "fieldType": t} for n, t in custom]
        return Reply(200, fixed + own)

    return read


def _nice(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()
