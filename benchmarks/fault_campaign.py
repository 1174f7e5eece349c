"""The fault campaign, as a script: `python benchmarks/fault_campaign.py --help`."""

from faults.campaign import main

main()
