"""The only floor that knows everyone: one run, one flow, and every use-case behind the faces."""
