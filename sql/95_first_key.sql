-- The first signing key: there is no set-up step.

SELECT @extschema@.agent_key_rotate();
