"""Load order files into a stage table, and merge the stage into the current state of every order.

Each task of the job is one function, which takes the Spark session and paths and returns a summary:
`source_to_stage.source_to_stage` and `stage_to_final.stage_to_final`. What an order file holds is said in `contract`.
"""
