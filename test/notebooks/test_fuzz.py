import random

from fuzz import load_odd_files
from pipeline import Pipeline

FILES = 300


def test_every_record_of_odd_files_is_accounted_for(pipeline: Pipeline) -> None:
    """As `npm run test:fuzz`, which takes more of them."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    found = load_odd_files(pipeline, FILES, seed)
    assert found.loaded > FILES / 2 and found.rejected > 0 and found.rows > FILES
