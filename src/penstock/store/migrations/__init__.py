"""The way from every older form of the state database to the present one.

A new form gets a file in `versions`, its number at the end of `REVISIONS`, and the same change in `store/tables.py`.
A state of a revision before the first is refused.
"""

REVISIONS = ("0015",)
HEAD = REVISIONS[-1]
