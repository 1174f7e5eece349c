"""One Custify account: its objects, its settings, its clock."""

import time
from collections.abc import Callable
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
        stamp = self.stamp()
        return {"id": self.store.ids.new(self.now()), "created_at": stamp, "updated_at": stamp}

    def object_to(self, message: str) -> None:
        """Report a broken rule of the API: strict raises ApiError 400, lenient stores a warning and continues."""
        if self.settings.strict:
            raise ApiError(400, message)
        self.store.warn(message)


Handler = Callable[[Account, Call], Reply]
