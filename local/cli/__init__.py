"""The `persevere` command."""

from local.cli.app import main

__all__ = ["main"]
