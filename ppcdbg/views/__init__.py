"""Floor 10: state as rows of styled spans. No toolkit is imported here; every door shows the same rows."""
