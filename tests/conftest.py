"""What every test may use."""

pytest_plugins = ["tests.listed", "tests.side_by_side"]
