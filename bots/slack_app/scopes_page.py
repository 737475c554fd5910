"""The page of every scope and event in docs: ``python -m bots.slack_app.scopes_page > docs/slack_scopes.md``.

Leans on `bots.slack_app.manifest`, which is what Slack is asked for. A test holds page and tables equal.
"""

from __future__ import annotations

from bots.slack_app.manifest import APP_SCOPE, COMMAND, EVENTS, REPORT_NAME, SCOPES

_HEAD = f"""# What Lampkeeper asks for in Slack

Written by `make docs/slack_scopes.md` from the tables that the manifests are made from; please do not edit.

The app has a bot token and no user token: it can do nothing as a member. It asks for `{COMMAND}`, for the shortcut
**{REPORT_NAME}** on a message, for a Home tab, and for what stands here.

To leave scopes out, paste what `lampkeeper slack manifest --without SCOPE` prints (`--without` once for each). What
Slack takes with such a scope only (events, the command, the shortcut) is left out with it, or it would refuse the
manifest.
`lampkeeper check` says what is missing.
"""
_APP = f"""
In Socket Mode it needs an app-level token, too, with one scope: `{APP_SCOPE}`, to open the connection over which Slack
sends events. Over HTTP it needs none.
"""


def page() -> str:
    """Write the page, in Markdown."""
    scopes = [
        f"| `{name}` | {scope.why} | {f'yes: {scope.without}' if scope.without else 'no'} |"
        for name, scope in SCOPES.items()
    ]
    events = [
        f"| `{name}` | {heard.why} | {' '.join(f'`{scope}`' for scope in heard.scopes)} |"
        for name, heard in EVENTS.items()
    ]
    return "\n".join(
        (
            _HEAD,
            "## Scopes\n\n| scope | what for | may be left out |\n|---|---|---|",
            *scopes,
            _APP,
            "## Events\n\n| event | what it tells | scope that Slack asks for it |\n|---|---|---|",
            *events,
            "",
        )
    )


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - it is what this is for
