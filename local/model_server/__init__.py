"""A model provider on this machine: a conversation file, told in the formats of Anthropic, OpenAI, Gemini and Chat Completions.

It is for the real clients: a demo, a case and the contract tests speak with it as they would with the providers, and it
refuses what they refuse.
"""
