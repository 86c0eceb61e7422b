"""The runner: hands of the coding agent and the one who proves. Start at `__main__`; the core is `loop`."""
