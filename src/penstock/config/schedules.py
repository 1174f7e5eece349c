"""The words of a schedule: `0 2 * * *`, `every 15m`, `on new data`."""

from __future__ import annotations

import re
from datetime import datetime

from penstock.config.shapes import SECONDS
from penstock.model.schedule import Cron, Every, OnNewData, Schedule

CRON_FIELDS = 5
SOME_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - only whether the schedule ever comes is asked, from any day
CRON_HINT = "five fields: minute, hour, day, month, weekday, such as 0 2 * * * for every night at two"
EVERY_HINT = "write every and a time span of 10s to 365d, such as every 15m, every 2h or every 1d"
OTHER_HINT = f"{CRON_HINT}; or every 15m; or on new data"
SPAN = re.compile(r"(\d+)\s*(s|m|h|d)")
SHORTEST_S, LONGEST_S = 10, 365 * 86400


class NoSchedule(ValueError):  # noqa: N818 - the text says what is the matter
    """The text is no schedule; `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read_schedule(text: str) -> Schedule:
    """What a text of the project file means. Raises NoSchedule."""
    words = text.lower().split()
    if words == ["on", "new", "data"]:
        return OnNewData()
    if words[:1] == ["every"]:
        span = SPAN.fullmatch(" ".join(words[1:]))
        seconds = 0 if span is None else int(span[1]) * int(SECONDS[span[2]])
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise NoSchedule("this is no time span to run a flow at", EVERY_HINT)
        return Every(seconds)
    _check_cron(text)
    return Cron(text)


def _check_cron(text: str) -> None:
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - only projects with a schedule pay for it

    fields = text.split()
    if len(fields) != CRON_FIELDS:
        wordy = bool(fields) and fields[0][0].isalpha()
        raise NoSchedule("a schedule has five fields", OTHER_HINT if wordy else CRON_HINT)
    try:
        next(CronSim(text, SOME_DAY))
    except CronSimError as error:
        raise NoSchedule(f"this is no schedule: {str(error).lower()}", CRON_HINT) from error
    except StopIteration:
        raise NoSchedule("this day never comes", CRON_HINT) from None
