"""A trial: the whole product on one machine, as three kinds of processes, with people who act over the simulator's HTTP."""
