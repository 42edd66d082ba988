"""Sources of datasets: one module each, with the functions `unpack`, `download` and `read`."""
