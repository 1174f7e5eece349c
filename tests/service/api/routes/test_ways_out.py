"""A fix that is offered for a refusal is possible: a mapped field cannot be excluded."""

import pytest

from penstock.model.outcome import Refusal
from penstock.model.spec import Binding, DestinationSpec
from penstock.run.prepare import explained


@pytest.mark.parametrize("fields", [None, {"email": Binding(column="email")}])
def test_exclude_is_not_offered_for_a_mapped_field(fields):
    destination = DestinationSpec("d", "people", "acme", template="upsert_person", fields=fields)
    refusal = Refusal("email", "email: 'x' is not an e-mail address", "email", "x")
    assert explained(refusal, destination, frozenset({"plan"})).mapped
    assert not explained(Refusal("text", "plan: no text", "plan", "x"), destination, frozenset({"plan"})).mapped
