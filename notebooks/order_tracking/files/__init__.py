"""Files, before and after Spark reads them: landed, claimed, looked into, moved, and what a run notes of them."""
