"""The frequent exits in compiled code: a twin of a few handlers, held to them record by record."""
