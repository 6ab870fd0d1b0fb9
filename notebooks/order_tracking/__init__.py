"""Load order files into a stage table, and merge the stage into the current state of every order.

Each task of a job is one function in `tasks`, which takes the Spark session and paths and returns a summary. The other
rooms hold what tasks are made of, each using only those before it: `contract`, `tables`, `files`, `rows`. What any
of them may use is beside them.
"""
