"""What the functions' ports are on AWS. `functions/world.py` alone imports this room, and inside functions only."""
