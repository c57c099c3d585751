-- From 1.0.0 to 1.1.0, what the sources cannot say: changes of tables and types that are there, and DROPs.
--
-- What is new comes from the sources by itself, and so do all functions (scripts/upgrade-script).
-- New columns of a table, a type or a view come last in the sources too. Say here which tables are
-- locked so that nobody can read or write meanwhile: none.

