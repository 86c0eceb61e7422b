"""Hearing GitHub by asking: against the simulator, with restarts and faults."""
