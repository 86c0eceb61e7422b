"""`python -m bench`."""

from bench.report import main

raise SystemExit(main())
