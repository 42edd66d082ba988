"""Where graphs come from: one module per source, each with `unpack`, `download` and `read`."""
