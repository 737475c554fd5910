"""The command line: names, one sentence each, and where the command lives. Nothing else, so that help is quick.

Leans on cyclopts, which imports a command's module (and all that it leans on) only when that command is called, and
makes its options from the signature and the docstring there.
"""

from __future__ import annotations

from importlib.metadata import version

from cyclopts import App

COMMANDS = (
    (
        "demo",
        "bots.commands.demo:demo",
        "Play invented conversations through the whole way; needs no account and no key.",
    ),
    ("run", "bots.commands.service:run", "Start the adapters named in the configuration."),
    ("check", "bots.commands.service:check", "Tell whether everything is in order, a line each with the remedy."),
    ("replay", "bots.commands.replay:replay", "Score your own history: JSON lines or PAN-2012 XML, plain, .gz or .xz."),
    ("explain", "bots.commands.explain:explain", "Show why conversations score as they do, message by message."),
    (
        "purge",
        "bots.commands.purge:purge",
        "Remove what was kept long enough, or a space or a person; --dry-run lists what is due.",
    ),
    (
        "verify",
        "bots.commands.verify:verify",
        "Check an archive of a case: signature, digests, chain; needs nothing but the file.",
    ),
    ("access", "bots.commands.access:access", "Write what is kept about one person in a space, for them."),
    ("train", "bots.commands.learn:train", "Learn a model from labelled transcripts."),
    ("evaluate", "bots.commands.learn:evaluate", "Measure a model on labelled transcripts."),
    ("model", "bots.commands.model:model", "Show the model's card: data, uses, limits, and every figure measured."),
    (
        "tune",
        "bots.commands.tune:tune",
        "Choose a threshold by how many alerts a week it would have meant, from your own scores.",
    ),
    ("signals", "bots.commands.learn:signals", "Count how often each signal shows in transcripts."),
)

GROUPS = (
    (
        "audit",
        "Whether the record of what was done is as it was made, and what it says.",
        (
            ("verify", "bots.commands.audit:verify", "Find every row that was changed, removed, added or moved."),
            ("show", "bots.commands.audit:show", "List what was done, when, by whom and about which case."),
            ("head", "bots.commands.audit:head", "Sign where the audit ends now."),
            ("key", "bots.commands.audit:key", "Print the public key that signed heads are verified with."),
        ),
    ),
    (
        "cybertip",
        "Reports to NCMEC's CyberTipline (US), for providers that NCMEC registered.",
        (
            ("status", "bots.commands.cybertip:status", "Ask NCMEC whether it takes the credentials."),
            ("plan", "bots.commands.cybertip:plan", "Lay down what is to be reported about a case; nothing is sent."),
            ("show", "bots.commands.cybertip:show", "Tell how a case's report stands, and what comes next."),
            ("confirm", "bots.commands.cybertip:confirm", "Confirm by name that a report is to be sent."),
            ("send", "bots.commands.cybertip:send", "Send a confirmed report, or go on where that was cut off."),
            ("go-on", "bots.commands.cybertip:go_on", "Let a report go on that waits for a person to look."),
            ("retract", "bots.commands.cybertip:retract", "Take a report back that is not finished."),
            ("receipt", "bots.commands.cybertip:receipt", "Print what NCMEC gave for a finished report."),
        ),
    ),
    (
        "keys",
        "The keys that everything kept is sealed with.",
        (
            ("status", "bots.commands.keys:status", "Tell how many keys there are, and which master key wraps them."),
            ("rotate", "bots.commands.keys:rotate", "Put another master key in place of the present one."),
        ),
    ),
    (
        "cases",
        "Casework at a terminal, also while Lampkeeper is running.",
        (
            ("list", "bots.commands.cases.looking:list_cases", "List cases, newest first."),
            ("show", "bots.commands.cases.looking:show", "Show a case, and what can be done from where it stands."),
            ("claim", "bots.commands.cases.working:claim", "Look into a case."),
            ("release", "bots.commands.cases.working:release", "Look into it no more."),
            (
                "decide",
                "bots.commands.cases.working:decide",
                "Confirm the concern, dismiss it, take that back.",
            ),
            ("escalate", "bots.commands.cases.working:escalate", "Have a second reviewer called."),
            ("note", "bots.commands.cases.working:note", "Note something on a case."),
            ("hold", "bots.commands.cases.working:hold", "Put a case under legal hold."),
            ("lift", "bots.commands.cases.working:lift", "Lift the legal hold."),
            ("aside", "bots.commands.cases.working:aside", "Put a case aside until somebody outside answers."),
            ("resume", "bots.commands.cases.working:resume", "Go on with a case that was put aside."),
            ("close", "bots.commands.cases.working:close", "Close a case that was decided."),
            ("reopen", "bots.commands.cases.working:reopen", "Open a closed case again."),
            ("merge", "bots.commands.cases.working:merge", "Make a case part of another about the same people."),
            ("related", "bots.commands.cases.looking:related", "List the other cases of the same people."),
            ("export", "bots.commands.cases.passing:export", "Write the file of a case."),
            ("report", "bots.commands.cases.passing:report", "Record that a case is reported to an authority."),
            ("verify", "bots.commands.cases.looking:verify", "Check that what is preserved is as it was written."),
        ),
    ),
    (
        "slack",
        "What setting up the Slack app needs.",
        (("manifest", "bots.commands.slack:manifest", "Print what to paste into Slack when the app is made there."),),
    ),
)
"""Commands of two words: the first one with its sentence, and each second one as in `COMMANDS`."""

app = App(
    name="lampkeeper",
    help="Watches conversations for the pattern of online child grooming and alerts human moderators.",
    version=lambda: version("lampkeeper"),
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # `bots.__main__` says a sentence instead
)
for _name, _where, _help in COMMANDS:
    app.command(_where, name=_name, help=_help)
for _group, _about, _commands in GROUPS:
    _words = App(name=_group, help=_about)
    app.command(_words)
    for _name, _where, _help in _commands:
        _words.command(_where, name=_name, help=_help)
