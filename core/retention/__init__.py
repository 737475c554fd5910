"""How long things are kept, and how they go: by their time, by somebody's wish, or with a space.

`rules` is the table that says it for each table of the store; the rest are its words: `keeping` the periods, `purging`
and `rolling` what time takes, `forgetting` and `requests` what people may ask for, `leaving` spaces that are gone,
`holdings` what is there, `page` the page that says all that to people.
"""
