"""The programs that make bitstreams, what each family needs, and the files between them."""
