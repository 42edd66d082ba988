"""Building the book: notebooks run by papermill, tables written for pages."""
