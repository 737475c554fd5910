"""`lampkeeper cases`: casework at a terminal, with the same rules and the same audit as the platforms' buttons.

`common` opens the store and says who acts; `looking`, `working` and `passing` hold the commands, `page` writes their
page in docs. Each works while `lampkeeper run` goes on (`core.store.beside`), which shows what changed on the cards.
"""
