"""What leaves Lampkeeper: a case as one record (`record`), rendered by one file each into what authorities take.

Leans on nothing but the record; files are bytes, and who writes them where is not decided here.
"""
