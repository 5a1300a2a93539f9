"""The one command language: one file per family; a command returns a value and never prints."""
