"""The refusals of posts to webhook sources, as problems. The code of the first problem is the reason in the log."""

from __future__ import annotations

from penstock.bounds import MAX_POST_RECORDS, bounds
from penstock.model.errors import Problem
from penstock.service.model import PostRefused
from penstock.sources.pushed_body import BadBody, BodyFault


def too_many_posts(source: str, wait_s: float) -> PostRefused:
    problem = Problem(f"hooks.{source}", "too many posts", "too-many-posts", "post more slowly; see `rate_limit`")
    return PostRefused(problem, wait_s=wait_s)


def no_secret(source: str) -> PostRefused:
    hint = f"`penstock hooks new-key {source}` or POST /api/v1/sources/{source}/hook/key creates one"
    message = f"{source} has no key yet, so nobody can post"
    return PostRefused(Problem(f"sources.{source}.secret", message, "no-secret", hint))


def too_large(source: str) -> PostRefused:
    message = "the body has more bytes than this source accepts"
    hint = "post in smaller parts; see `max_bytes`"
    return PostRefused(Problem(f"hooks.{source}", message, "too-large", hint))


def too_many_records(source: str) -> PostRefused:
    message = f"the post has more than {bounds().post_records} records"
    hint = f"post in smaller parts; {MAX_POST_RECORDS} sets how many records one post may have"
    return PostRefused(Problem(f"hooks.{source}", message, "too-many-records", hint))


def bad_body(source: str, body: BadBody) -> PostRefused:
    return PostRefused(*(_problem(source, fault) for fault in body.faults))


def _problem(source: str, fault: BodyFault) -> Problem:
    hint = f"no record of this post was stored: {fault.hint or 'correct it'}, then post all of it again"
    return Problem(f"hooks.{source}", fault.reason, "bad-body", hint, line=fault.line)
