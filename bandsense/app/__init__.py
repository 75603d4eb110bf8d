"""What a person can do, one module each: nothing here prints, parses a command line or exits."""
