"""One module a command: its options, its help, and one call. What it does is imported when it is called."""
