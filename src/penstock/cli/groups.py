"""The headings under which `penstock --help` lists its commands, in the order of a person's day."""

from cyclopts import Group

TRY = Group("Try it", sort_key=1)
SET_UP = Group("Set up", sort_key=2)
LOOK = Group("Look before anything is sent", sort_key=3)
SEND = Group("Send", sort_key=4)
MEND = Group("Afterwards", sort_key=5)
SERVE = Group("Let it run by itself", sort_key=6)
PEOPLE = Group("Who may do it", sort_key=7)
CARE = Group("Look after the state", sort_key=8)
EVERYWHERE = Group("Options of every command", sort_key=10)
