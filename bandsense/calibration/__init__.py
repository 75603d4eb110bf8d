"""From readings to newtons: curves, their fit, and the procedures that lead to them."""
