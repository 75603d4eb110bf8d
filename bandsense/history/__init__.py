"""Pure functions over stored results: what can be compared, trends, bests, dose, wear."""
