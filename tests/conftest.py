"""What every test may use."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.listed", "tests.side_by_side"]

# A run finds what the one before it found, on a machine however busy. `--hypothesis-profile=default` looks for more.
settings.register_profile(
    "same", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")
