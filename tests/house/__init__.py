"""The rules of the house: what the tree itself must look like."""
