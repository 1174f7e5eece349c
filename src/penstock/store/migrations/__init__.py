"""The migrations of the state database, from revision 0015 to the present one.

A new revision gets a file in `versions`, its number at the end of `REVISIONS`, and the same change in
`store/tables.py`. A state of a revision before the first is refused.
"""

REVISIONS = ("0015",)
HEAD = REVISIONS[-1]
