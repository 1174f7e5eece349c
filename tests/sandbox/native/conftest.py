import pytest


@pytest.fixture
def ids(sandbox):
    """Custify's ids of one company and one person, which replace COMPANY and PERSON in bodies."""
    company = sandbox.call("POST /company", '{"company_id": "c1", "name": "Acme"}').json()["id"]
    person = sandbox.call("POST /people", '{"user_id": "u1", "companies": [{"company_id": "c1"}]}').json()["id"]
    return {"COMPANY": company, "PERSON": person}


@pytest.fixture
def post(sandbox, ids):
    def post(line, body=None):
        for name, internal in ids.items():
            line = line.replace(name, internal)
            body = None if body is None else body.replace(name, internal)
        return sandbox.call(line, body)

    return post
