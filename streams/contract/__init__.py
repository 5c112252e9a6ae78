"""The contract: what is on each topic, as schemas that programs read and a page that people read, and what may change.

Everything is made from the models: their types, the sentences of their docstrings that name a field, and the records in
`public.py` and `internal.py`.
"""
