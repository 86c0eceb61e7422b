"""The pages that `persevere init --local` shows in a browser on this machine."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

_STYLE = """
body{margin:0;font:16px/1.6 system-ui,-apple-system,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif;color:#1f2328;background:#f6f8fa}
main{max-width:640px;margin:12vh auto;padding:32px 40px;background:#fff;border:1px solid #d1d9e0;border-radius:10px}
h1{font-size:24px;font-weight:600;margin:0 0 12px}p{margin:10px 0}ul{margin:6px 0 14px;padding-left:22px}code{font:90% ui-monospace,Menlo,Consolas,monospace;background:#f0f2f4;border-radius:5px;padding:.1em .35em}
.dim{color:#59636e;font-size:14px}button{font:600 16px/1 inherit;font-family:inherit;background:#1f883d;color:#fff;border:0;border-radius:7px;padding:12px 20px;cursor:pointer}button:focus-visible{outline:3px solid #0969da;outline-offset:2px}
"""


def _page(title: str, body: str, script: str = "") -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<style>{_STYLE}</style></head><body><main>{body}</main>{script}</body></html>\n"
    )


def sending(action: str, manifest: Mapping[str, Any], nonce: str) -> str:
    """Sends the manifest to GitHub at once; a button where scripts are off."""
    asked = ", ".join(
        f"{name.replace('_', ' ')}" for name, level in manifest["default_permissions"].items() if level == "write"
    )
    value = html.escape(json.dumps(manifest), quote=True)
    body = (
        f"<h1>Creating your App &ldquo;{html.escape(manifest['name'])}&rdquo; on GitHub</h1>"
        f"<p>GitHub shows its name and asks once. It may write: {html.escape(asked)}.</p>"
        '<p class="dim">It does not ask for workflows, secrets, administration or members. '
        "Its key goes to this machine, and nowhere else.</p>"
        f'<form id="manifest" method="post" action="{html.escape(action, quote=True)}">'
        f'<input type="hidden" name="manifest" value="{value}"><button>Go on to GitHub</button></form>'
    )
    # Only the first visit goes on by itself: who comes back with the Back button wants to read.
    script = (
        f'<script nonce="{nonce}">if(!sessionStorage.sent){{sessionStorage.sent=1;'
        'document.getElementById("manifest").submit()}</script>'
    )
    return _page("Persevere: create the App", body, script)


def told(title: str, lines: Sequence[str]) -> str:
    """What went wrong or what is done, in plain words."""
    return _page(
        f"Persevere: {title}",
        f"<h1>{html.escape(title)}</h1>" + "".join(f"<p>{html.escape(line)}</p>" for line in lines),
    )
