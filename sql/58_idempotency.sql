-- Idempotency keys: what was asked for and answered, for those who did not get the answer.

CREATE TABLE agent.idempotency_keys (
    user_id      uuid NOT NULL,
    key_hash     bytea NOT NULL CHECK (octet_length(key_hash) = 32),
    operation    text NOT NULL,
    request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    created_at   timestamptz NOT NULL,
    result_id    uuid,
    result_seq   bigint,
    result_at    timestamptz,
    PRIMARY KEY (user_id, key_hash)
) USING heap;

-- What expires first, for whoever deletes it, and the key that an account was registered with.
CREATE INDEX idempotency_keys_created_idx ON agent.idempotency_keys (created_at);
CREATE INDEX idempotency_keys_register_idx ON agent.idempotency_keys (user_id, result_id)
    WHERE user_id = '00000000-0000-0000-0000-000000000000';

-- Not dumped: a key is good for a day. No foreign key: there is an id that is no account's.
COMMENT ON TABLE agent.idempotency_keys IS 'One row per idempotency key that was used, until it expires (agent.idempotency_ttl). Holds no content: an answer is made again of the request and of what is here.';
COMMENT ON COLUMN agent.idempotency_keys.user_id IS 'Whose key: the caller''s, or for agent_register, which has no caller, zeros.';
COMMENT ON COLUMN agent.idempotency_keys.key_hash IS 'SHA-256 of the key.';
COMMENT ON COLUMN agent.idempotency_keys.operation IS 'The function that was called.';
COMMENT ON COLUMN agent.idempotency_keys.request_hash IS 'HMAC-SHA-256 of the function and its arguments under the key, which is not stored: it tells nothing without it.';
COMMENT ON COLUMN agent.idempotency_keys.created_at IS 'When the key was claimed.';
COMMENT ON COLUMN agent.idempotency_keys.result_id IS 'Id of what was created; NULL only while that is being done.';
COMMENT ON COLUMN agent.idempotency_keys.result_seq IS 'Its place in the conversation, of a message; 0 otherwise.';
COMMENT ON COLUMN agent.idempotency_keys.result_at IS 'created_at of what was created.';
