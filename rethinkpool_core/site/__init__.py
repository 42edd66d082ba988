"""Build the book: run notebooks with papermill, write the tables that pages include, call jupyter-book."""
