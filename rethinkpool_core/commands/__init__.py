"""The commands of ``rethinkpool``, one module each; heavy packages are imported where they are used."""
