/*
 * doctor.c
 *		What agent_doctor() cannot find out by SQL.
 *
 * Called through SQL by members of agent_admin, as agent_owner.
 */
#include "agent.h"

#include "executor/spi.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"

#define METRICS_TOKEN_MIN 16 /* characters that nobody can guess */

/* Warns where the objects are of another version, whose doctor may not know that it matters. */
static void
warn_of_other_version(void)
{
	char *version;

	SPI_connect();
	if (agent_execute(AGENT_PLAN_VERSION, NULL, NULL) == 1 &&
		(version = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)) != NULL &&
		strcmp(version, AGENT_VERSION) != 0)
		ereport(
			WARNING,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("the objects of extension \"agent\" are of version %s, its library is %s",
				   version,
				   AGENT_VERSION),
			errhint("Run ALTER EXTENSION agent UPDATE, or restart the server if that was done."));
	SPI_finish();
}

PG_FUNCTION_INFO_V1(agent_shared_state);

/* SQL: agent.shared_state() returns agent.shared_state */
Datum
agent_shared_state(PG_FUNCTION_ARGS)
{
	AgentRingState ring = agent_ring_state();
	AgentAdmissionState hashing = agent_admission_state();
	Datum values[] = {BoolGetDatum(agent_is_preloaded()),
					  Int32GetDatum(ring.launcher_pid),
					  Int32GetDatum(ring.pending),
					  Int64GetDatum(ring.lost),
					  Int32GetDatum(hashing.places),
					  Int32GetDatum(hashing.running),
					  Int32GetDatum(hashing.waiting),
					  Int64GetDatum(hashing.refused),
					  BoolGetDatum(agent_metrics_token[0] != '\0'),
					  BoolGetDatum(strlen(agent_metrics_token) < METRICS_TOKEN_MIN)};

	warn_of_other_version();
	return agent_form_row(fcinfo, lengthof(values), values);
}

/* Takes the time of a hash (ms). */
static void
measure_hash(void *arg)
{
	double *time = arg;
	instr_time start;
	instr_time end;

	INSTR_TIME_SET_CURRENT(start);
	agent_password_match_nothing(cstring_to_text(""));
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	*time = INSTR_TIME_GET_MILLISEC(end);
}

PG_FUNCTION_INFO_V1(agent_hash_time);

/* SQL: agent.hash_time() returns double precision */
Datum
agent_hash_time(PG_FUNCTION_ARGS)
{
	double time;

	agent_admission_run(measure_hash, &time);
	PG_RETURN_FLOAT8(time);
}
