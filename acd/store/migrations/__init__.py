"""Forms of the customer file, a file of `versions` each. A new one: change `schema`, write the step that leads there.

A step works on SQLite and PostgreSQL, is named by a number and what it does, and never changes once it was released: a
test migrates from every one of them, and compares what comes out with `schema`.
"""
