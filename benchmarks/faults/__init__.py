"""The fault campaign: Penstock's processes meet faults, and the sandbox's own log says what became of each record.

`campaign.py` runs it, `harness.py` starts the processes, `records.py` has what is sent, `judge.py` judges, `report.py`
writes. Each other file has one kind of fault and a function `cases`.
"""
