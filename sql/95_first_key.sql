-- The first signing key: there is no set-up step.

SELECT @extschema@.agent_key_rotate();

-- A PostgREST that is running already learns of the new functions.
NOTIFY pgrst, 'reload schema';
