"""One file a change of the schema, in order; none is ever edited once released."""
