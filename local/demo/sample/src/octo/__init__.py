"""Invoices in a JSON file."""
