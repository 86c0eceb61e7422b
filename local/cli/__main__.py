"""`python -m local.cli`."""

from local.cli.app import main

main()
