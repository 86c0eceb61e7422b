"""From nothing to an App on GitHub: the manifest, the page that sends it, and where the key is kept."""
