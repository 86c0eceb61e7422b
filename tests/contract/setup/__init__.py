"""Setting up a machine: init and doctor against the simulator."""
