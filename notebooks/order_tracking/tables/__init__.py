"""The tables: their names and columns, how they are made and widened, and the job log that tells of each run."""
