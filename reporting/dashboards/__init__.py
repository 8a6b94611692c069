"""Pages of figures, put together from the metrics."""
