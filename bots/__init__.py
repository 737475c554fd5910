"""Everything that talks to the outside: chat platforms and the command line. Adapters translate, the core decides."""
