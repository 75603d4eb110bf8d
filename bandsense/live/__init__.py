"""What the person sees while training: one view state built from events, and the views that show it."""
