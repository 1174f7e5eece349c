"""The smallest engine that fulfils the contract while this process lives: threads and a table in memory."""

import threading
from dataclasses import dataclass, field


@dataclass
class Ticket:
    lane: str
    version: str
    state: str = "waiting"  # taken, ended


@dataclass
class Shared:
    """The data that all engines on one state share."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class PlainEngine:
    def __init__(self, shared, version, *, lane):
        self.shared, self.version, self.lane = shared, version, lane
        self.ended = threading.Event()
        self.thread = None

    def start(self, execute):
        self.thread = threading.Thread(target=self._look, args=(execute,), daemon=True)
        self.thread.start()

    def submit(self, ticket, lane):
        with self.shared.lock:
            return self.shared.tickets.setdefault(ticket, Ticket(lane, self.version)).state != "over"

    def wake(self):
        pass

    def abandon(self, tickets):
        with self.shared.lock:
            for ticket in tickets:
                if ticket in self.shared.tickets:
                    self.shared.tickets[ticket].state = "over"

    def tidy(self):
        pass

    def stop(self):
        self.ended.set()
        self.thread.join()

    def _look(self, execute):
        while not self.ended.wait(0.02):
            with self.shared.lock:
                for name, ticket in self.shared.tickets.items():
                    taken = [t for t in self.shared.tickets.values() if (t.state, t.lane) == ("taken", ticket.lane)]
                    if ticket.state == "waiting" and ticket.version == self.version and len(taken) < self.lane:
                        ticket.state = "taken"
                        threading.Thread(target=self._execute, args=(execute, name), daemon=True).start()

    def _execute(self, execute, name):
        execute(name)
        with self.shared.lock:
            self.shared.tickets[name].state = "over"
