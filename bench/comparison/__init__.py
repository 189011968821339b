"""Holdfast and Redis side by side: the parts of bench/compare."""
