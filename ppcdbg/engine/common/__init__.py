"""Instruction bodies bound to Python numbers: what the reference engine is made of and compiled engines leave to."""
