"""What moderators, admins and members see and do, without any platform: what both platforms need stands here once.

Nothing in here knows a platform's library, and nothing is written in a platform's own manner: what is said goes through
`words.Words`, which a platform gives its `markup.Markup`. A platform's module reads what came in, asks who may, calls
one of these, and draws what comes back.
"""
