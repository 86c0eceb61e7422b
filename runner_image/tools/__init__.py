"""The six tools of the agent. Each takes a call's arguments and gives a `Result`; none raises for what the agent asks."""
