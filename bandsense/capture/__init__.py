"""Raw captures: what came over the air, in a file."""
