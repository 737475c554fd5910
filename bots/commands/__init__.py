"""What the console commands do, a module a family. `bots.cli` names them; each is imported only when called."""
