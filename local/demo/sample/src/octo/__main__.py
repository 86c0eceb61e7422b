"""`python -m octo`."""

import sys

from octo.cli import main

sys.exit(main())
