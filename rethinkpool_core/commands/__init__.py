"""The commands behind ``rethinkpool``, one module each; what is heavy is imported where it is used."""
