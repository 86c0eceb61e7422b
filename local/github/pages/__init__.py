"""Readable pages of what the simulator holds, at the addresses that GitHub's `html_url`s name."""
