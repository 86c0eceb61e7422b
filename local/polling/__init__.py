"""Hearing GitHub without a webhook: what changed is read again and again, and goes through the webhook's own door."""
