"""The handlers by method and path: native at `/`, flat below `/api`."""

from penstock_sandbox.account.account import Handler
from penstock_sandbox.account.call import ApiError
from penstock_sandbox.flat import handlers as flat
from penstock_sandbox.native import (
    attributes,
    batches,
    companies,
    custom_data,
    events,
    financial,
    notes,
    people,
    tags,
    tasks,
    tickets,
    ui_objects,
)
from penstock_sandbox.native.attached import comments, files, scores, time_tracks

FLAT = "/api"

NATIVE: dict[str, Handler] = {
    "POST /people": people.write,
    "POST /customer": people.write,
    "POST /people/tag": people.tag,
    "DELETE /people": people.delete,
    "DELETE /people/{id}": people.delete,
    "GET /people": people.read,
    "GET /people/all": people.read_all,
    "GET /people/{id}": people.read_one,
    "GET /customer/{id}": people.read_one,
    "POST /company": companies.write,
    "DELETE /company": companies.delete,
    "DELETE /company/{id}": companies.delete,
    "GET /company": companies.read,
    "GET /company/all": companies.read_all,
    "GET /company/{id}": companies.read_one,
    "GET /company/people/{id}": companies.read_people,
    "GET /company/attributes": attributes.field_discovery("company", companies.COMPANY),
    "GET /customer/attributes": attributes.field_discovery("customer", people.PERSON),
    "POST /event": events.write,
    "POST /task": tasks.create,
    "PUT /task/{id}": tasks.update,
    "GET /task": tasks.read,
    "GET /task/filtersAvailableValues": tasks.filter_values,
    "GET /task/{id}": tasks.read_one,
    "POST /note": notes.create,
    "POST /note/{id}": notes.update,
    "GET /note": notes.read,
    "GET /note/{entity}": notes.read,
    "POST /comment/{model}/{entity}": notes.comment,
    "GET /comment/{model}/{entity}": comments.read,
    "GET /comment": comments.read,
    "POST /batch": batches.write,
    "GET /batch/{id}": batches.read,
    "GET /segment": ui_objects.lister("segments", "people"),
    "GET /playbook": ui_objects.lister("playbooks"),
    "GET /lifecycle": ui_objects.lister("lifecycles"),
    "GET /health_score": ui_objects.lister("health_scores"),
    "GET /health_score/simple": ui_objects.read_health_scores_bare,
    "GET /calculated_metric": ui_objects.lister("calculated_metrics"),
    "GET /objective": ui_objects.read_objectives,
    "GET /calendar/meeting": ui_objects.read_meetings,
    "GET /calendar/meeting/company/{id}": ui_objects.read_meetings,
    "GET /survey": ui_objects.read_surveys,
    "GET /survey/responses": ui_objects.read_responses,
    "GET /survey/{id}/responses": ui_objects.read_responses,
    "POST /tag": tags.write_tag,
    "POST /tag/{id}": tags.write_tag,
    "GET /tag": tags.read_tags,
    "GET /tag/{id}": tags.read_tags,
    "PATCH /tag/entity": tags.tag_entities,
    "DELETE /tag/{id}": tags.delete_tag,
    "POST /ticket": tickets.write_ticket,
    "GET /ticket": tickets.read_tickets,
    "GET /ticket/{entity}": tickets.read_tickets,
    "PUT /ticket/{id}": tickets.patch_ticket,
    "DELETE /ticket/{id}": tickets.delete_ticket,
    "POST /ticket/{id}/reply": tickets.reply_to_ticket,
    "POST /nps_score": scores.writer(scores.NPS),
    "POST /nps_score/{id}": scores.writer(scores.NPS),
    "POST /csat_score": scores.writer(scores.CSAT),
    "POST /csat_score/{id}": scores.writer(scores.CSAT),
    "POST /file": files.upload,
    "POST /file/unlink": files.unlink,
    "PUT /file/{id}/showInPortal": files.show_in_portal,
    "GET /file": files.read,
    "GET /file/{id}": files.read,
}
UPLOADS = frozenset({files.upload})

for _path in ("/time-track", "/time_track"):
    NATIVE |= {
        f"POST {_path}": time_tracks.create,
        f"GET {_path}": time_tracks.read,
        f"PUT {_path}": time_tracks.update,
        f"PUT {_path}/{{id}}": time_tracks.update,
        f"DELETE {_path}": time_tracks.delete,
        f"DELETE {_path}/{{id}}": time_tracks.delete,
    }

for _word, _kind in financial.KINDS.items():
    NATIVE |= {
        f"POST /financial/{_word}": financial.writer(_kind),
        f"POST /financial/{_word}/{{id}}": financial.writer(_kind),
        f"GET /financial/{_word}": financial.reader(_kind),
        f"GET /financial/{_word}/{{id}}": financial.reader(_kind),
        f"DELETE /financial/{_word}": financial.deleter(_kind),
        f"DELETE /financial/{_word}/{{id}}": financial.deleter(_kind),
    }
for _place, _model in {"companies": "Company", "people": "Customer"}.items():
    for _path in (f"/custom_data/{_place}", f"/custom_data/{_place}/{{id}}"):
        NATIVE |= {
            f"POST {_path}": custom_data.writer(_model),
            f"GET {_path}": custom_data.reader(_model),
            f"DELETE {_path}": custom_data.deleter(_model),
        }

# The requirement page names people, company, event, note and batch; the other paths follow the same pattern.
# The reads are those of the native dialect.
FLAT_ROUTES: dict[str, Handler] = {
    "POST /people": flat.write_person,
    "POST /company": flat.write_company,
    "POST /subscription": flat.write_subscription,
    "POST /invoice": flat.write_invoice,
    "POST /deal": flat.write_deal,
    "POST /event": flat.write_event,
    "POST /task": flat.write_task,
    "POST /note": flat.write_note,
    "POST /custom_object": flat.write_custom_object,
    "POST /batch": flat.write_batch,
    "GET /people": people.read,
    "GET /people/all": people.read_all,
    "GET /people/{id}": people.read_one,
    "DELETE /people": people.delete,
    "GET /company": companies.read,
    "GET /company/all": companies.read_all,
    "GET /company/{id}": companies.read_one,
    "DELETE /company": companies.delete,
}


class Routes:
    """Finds fixed paths in a dictionary, and paths with an id by their parts."""

    def __init__(self, table: dict[str, Handler]) -> None:
        self._fixed: dict[str, dict[str, Handler]] = {}
        self._open: list[tuple[tuple[str, ...], dict[str, Handler]]] = []
        for line, handler in table.items():
            method, path = line.split(" ")
            if "{" not in path:
                self._fixed.setdefault(path, {})[method] = handler
                continue
            parts = tuple(path.split("/"))
            for known, methods in self._open:
                if known == parts:
                    methods[method] = handler
                    break
            else:
                self._open.append((parts, {method: handler}))

    def find(self, method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
        """The handler and the ids in the path. Raises ApiError 404 for an unknown path, 405 for an unknown method."""
        methods = self._fixed.get(path)
        if methods is not None and method in methods:
            return methods[method], ()
        parts = tuple(path.split("/"))
        known = methods is not None
        for pattern, candidates in self._open:
            ids = _ids(pattern, parts)
            if ids is None:
                continue
            if method in candidates:
                return candidates[method], ids
            known = True
        if known:
            raise ApiError(405, f"Cannot {method} {path}")
        raise ApiError(404, f"Cannot {method} {path}")


def _ids(pattern: tuple[str, ...], parts: tuple[str, ...]) -> tuple[str, ...] | None:
    if len(pattern) != len(parts):
        return None
    ids: list[str] = []
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{") and part != "":
            ids.append(part)
        elif wanted != part:
            return None
    return tuple(ids)


_native_routes = Routes(NATIVE)
_flat_routes = Routes(FLAT_ROUTES)


def find(method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
    """As `Routes.find`, in the dialect of the path."""
    if path.startswith(FLAT + "/"):
        return _flat_routes.find(method, path.removeprefix(FLAT))
    return _native_routes.find(method, path)
