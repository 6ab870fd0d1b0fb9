"""The tasks of the jobs, a file each, and what several of them share."""
