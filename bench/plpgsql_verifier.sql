-- What an application without the extension would write: a token verified in
-- PL/pgSQL with pgcrypto. It does less than agent_uid(): no look at the account
-- or at the session, none of the checks of the token's shape.

CREATE FUNCTION bench.from_base64url(part text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT
RETURN decode(translate(part, '-_', '+/') || repeat('=', -length(part) & 3), 'base64');

CREATE FUNCTION bench.verify(token text) RETURNS uuid
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    header    text := split_part(token, '.', 1);
    payload   text := split_part(token, '.', 2);
    signature bytea := bench.from_base64url(split_part(token, '.', 3));
    head      jsonb := convert_from(bench.from_base64url(header), 'UTF8')::jsonb;
    claims    jsonb;
    key       bytea;
BEGIN
    SELECT k.secret INTO STRICT key FROM agent.signing_keys AS k WHERE k.kid = (head ->> 'kid')::uuid;
    IF head ->> 'alg' <> 'HS256'
            OR hmac(convert_to(header || '.' || payload, 'UTF8'), key, 'sha256') <> signature THEN
        RAISE EXCEPTION 'invalid token';
    END IF;
    claims := convert_from(bench.from_base64url(payload), 'UTF8')::jsonb;
    IF claims ->> 'iss' <> 'agent' OR claims ->> 'kind' <> 'access'
            OR to_timestamp((claims ->> 'exp')::bigint) <= clock_timestamp()
            OR to_timestamp((claims ->> 'iat')::bigint) > clock_timestamp() + interval '30 seconds' THEN
        RAISE EXCEPTION 'invalid token';
    END IF;
    RETURN (claims ->> 'sub')::uuid;
END
$$;
