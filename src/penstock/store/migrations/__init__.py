"""The migrations of the state database, from release 0.1.0 (revision 0010) to the present one.

A new revision gets a file in `versions`, its number at the end of `REVISIONS`, and the same change in
`store/tables.py`, `shared_tables.py` or `service_tables.py`. A state of any other revision is refused.
"""

REVISIONS = ("0010", "0015", "0016", "0017", "0018", "0019", "0020")
HEAD = REVISIONS[-1]
