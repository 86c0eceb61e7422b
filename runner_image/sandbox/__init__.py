"""The sandbox: which one there is on this machine, and whether it holds."""
