"""Casework: what people do about an alert, and what is kept of it for them and for whoever they tell.

Who comes new starts with `transitions` (the states of a case, and who takes it from one to the next), then `cases`
(what is stored of one, and its card) and `desk` (everything that people press or type). `preserved` keeps what the two
said, `casefile` puts a case together into the record that `core.export` writes.
"""
