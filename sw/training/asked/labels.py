"""What the networks that a run trains are called in tables. Needs no torch."""

__all__ = ["LABELS"]

LABELS = {
    "hybrid": "hybrid: encoder, then binary network",
    "on_chip": "on chip: pixels in, class out",
    "table": "binary network on the rows of a table",
    "full_precision_twin": "full-precision twin on the same codes",
    "naive_pixels": "binary network on pixels, sign as in HyBNN",
    "thresholded_pixels": "binary network on pixels, threshold 0.5",
}
