"""What every API has: problems, health, metrics, limits, keys, pages, and the same answers to work that takes time."""
