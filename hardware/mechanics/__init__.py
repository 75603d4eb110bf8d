"""The clip and the inline link as code: parts, assembly, strength, tolerances, pictures."""
