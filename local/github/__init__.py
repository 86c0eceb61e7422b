"""A GitHub with state on this machine: REST, the GraphQL in use, webhooks, git over HTTP, pages.

It imports nothing of the product, and the product reaches it over HTTP only.
`start()` is for tests; `python -m local.github` is the process of its own.
"""

from local.github.server import Simulator, start

__all__ = ["Simulator", "start"]
