"""Tables, column types and engines."""
