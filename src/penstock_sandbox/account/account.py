"""One Custify account: its objects, its settings, its clock."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.account.settings import Settings
from penstock_sandbox.account.store import Store


class Account:
    """The account that the handlers use. Only `object_to` distinguishes strict from lenient."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store()
        # The admin route can move the clock, so that windows and expiries are tested without waiting.
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def stamp(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def new_object(self) -> JsonObject:
        now, stamp = self.now(), self.stamp()
        internal = self.store.ids.new(now)
        self.store.created[internal] = now
        return {"id": internal, "created_at": stamp, "updated_at": stamp}

    def visible(self, objects: Iterable[JsonObject]) -> list[JsonObject]:
        """The objects that lists and searches show: those created at least `visible_after` ago."""
        after = self.settings.visible_after
        if after <= 0:
            return list(objects)
        last = self.now() - after
        return [stored for stored in objects if self.store.created[stored["id"]] <= last]

    def filters(self, query: Mapping[str, str]) -> Mapping[str, str]:
        """The parameters of a query that a list applies as filters: none with the setting `ignore_filters`."""
        return {} if self.settings.ignore_filters else query

    def object_to(self, message: str) -> None:
        """Report a broken rule of the API: strict raises ApiError 400, lenient stores a warning and continues."""
        if self.settings.strict:
            raise ApiError(400, message)
        self.store.warn(message)


Handler = Callable[[Account, Call], Reply]
