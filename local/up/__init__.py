"""`persevere up`: the host on this machine for real repositories, and what a person sees of it."""
