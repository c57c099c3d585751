-- Metrics: what was called and asked for, with what result, and how long it took.

CREATE FUNCTION agent.metric_samples()
RETURNS TABLE (name text, labels jsonb, value double precision)
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_metric_samples';

COMMENT ON FUNCTION agent.metric_samples() IS 'What is measured, a row for each sample. For agent_metric_samples.';

CREATE VIEW @extschema@.agent_metric_samples WITH (security_invoker = true) AS
SELECT s.name, s.labels, s.value
FROM agent.metric_samples() AS s;

COMMENT ON VIEW @extschema@.agent_metric_samples IS
'What is measured, in all databases of the cluster together, since the start of the server: the samples of agent_metrics() as rows. For agent_admin.

Only agent_preloaded and agent_info where the library is not preloaded (shared_preload_libraries).';
COMMENT ON COLUMN @extschema@.agent_metric_samples.name IS 'Name of the metric; of a histogram with _bucket, _sum or _count.';
COMMENT ON COLUMN @extschema@.agent_metric_samples.labels IS 'An object of strings: function and outcome, method, path and status, le (seconds) of a bucket, version.';
COMMENT ON COLUMN @extschema@.agent_metric_samples.value IS 'How many; of _sum, seconds.';

CREATE FUNCTION @extschema@.agent_metrics()
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_metrics';

COMMENT ON FUNCTION @extschema@.agent_metrics() IS
'What is measured, in all databases of the cluster together, since the start of the server, in the text format of Prometheus (0.0.4). For agent_admin.

Calls of the functions that are written in C, by outcome (ok, the name of an error, or error for any other) and duration; classic requests; turns at hashing; the audit. Only agent_preloaded and agent_info where the library is not preloaded.
HTTP 200.';
