"""Domain-free foundations: this folder could move to another project as it is."""
