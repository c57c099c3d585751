-- agent: an AI-agent backend inside PostgreSQL.
--
-- API objects go to the schema the extension is installed into, all named
-- agent_*; private ones to the schema agent, which this script creates.
-- Read in the order of the file names. Whoever may do what stands on two
-- pages: 80_policies.sql and 90_grants.sql.

\echo Use "CREATE EXTENSION agent" to load this file. \quit

-- Every name below is in pg_catalog or qualified: nothing that somebody put
-- into another schema can be picked up by this script.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Nothing is here before (90_grants.sql); an update says what is (sql/upgrades/begin.sql).
SET LOCAL agent_update.members = '';

-- Plain CREATE: a schema that somebody made beforehand, and still owns, makes
-- the installation fail instead of handing them the tables.
CREATE SCHEMA agent;

COMMENT ON SCHEMA agent IS
'Private tables and functions of the extension agent. The API is in the schema the extension was installed into.';
