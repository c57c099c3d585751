/*
 * http_write.c
 *		Writes rows as the JSON of the classic REST API.
 *
 * Key by key in the order of the schemas below, which the OpenAPI document is made
 * from too. Times are in UTC with six digits of fraction, whatever TimeZone and
 * DateStyle are: some parsers read no other form.
 */
#include "http.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/typcache.h"

/* Bytes of an answer, at most: each takes four times that of memory on its way out. */
#define ANSWER_MAX (64 * 1024 * 1024)

static const HttpSchema schemas[HTTP_SHAPE_COUNT] = {
	[HTTP_USER] = {"User",
				   {{"id", HTTP_TYPE_UUID},
					{"email", HTTP_TYPE_EMAIL},
					{"username", HTTP_TYPE_STRING},
					{"is_active", HTTP_TYPE_BOOLEAN},
					{"created_at", HTTP_TYPE_TIME}}},
	[HTTP_TOKEN] = {"Token",
					{{"access_token", HTTP_TYPE_STRING}, {"token_type", HTTP_TYPE_STRING}}},
	[HTTP_TOKEN_PAIR] = {"TokenPair",
						 {{"access_token", HTTP_TYPE_STRING},
						  {"token_type", HTTP_TYPE_STRING},
						  {"expires_in", HTTP_TYPE_INTEGER},
						  {"refresh_token", HTTP_TYPE_STRING}}},
	[HTTP_SESSION] = {"Session",
					  {{"id", HTTP_TYPE_UUID},
					   {"created_at", HTTP_TYPE_TIME},
					   {"last_used_at", HTTP_TYPE_TIME},
					   {"expires_at", HTTP_TYPE_TIME},
					   {"user_agent", HTTP_TYPE_TEXT_OR_NULL},
					   {"address", HTTP_TYPE_TEXT_OR_NULL},
					   {"is_current", HTTP_TYPE_BOOLEAN}}},
	[HTTP_CONVERSATION] = {"Conversation",
						   {{"id", HTTP_TYPE_UUID},
							{"title", HTTP_TYPE_STRING},
							{"is_archived", HTTP_TYPE_BOOLEAN},
							{"created_at", HTTP_TYPE_TIME},
							{"updated_at", HTTP_TYPE_TIME},
							{"message_count", HTTP_TYPE_INTEGER}}},
	[HTTP_CONVERSATION_DETAIL] = {"ConversationDetail",
								  {{"id", HTTP_TYPE_UUID},
								   {"title", HTTP_TYPE_STRING},
								   {"is_archived", HTTP_TYPE_BOOLEAN},
								   {"created_at", HTTP_TYPE_TIME},
								   {"updated_at", HTTP_TYPE_TIME},
								   {"message_count", HTTP_TYPE_INTEGER},
								   {"is_pinned", HTTP_TYPE_BOOLEAN},
								   {"tags", HTTP_TYPE_STRINGS},
								   {"metadata", HTTP_TYPE_OBJECT},
								   {"forked_from", HTTP_TYPE_UUID_OR_NULL}}},
	[HTTP_MESSAGE] = {"Message",
					  {{"id", HTTP_TYPE_UUID},
					   {"conversation_id", HTTP_TYPE_UUID},
					   {"role", HTTP_TYPE_STRING},
					   {"content", HTTP_TYPE_STRING},
					   {"created_at", HTTP_TYPE_TIME}}},
	[HTTP_MESSAGE_DETAIL] = {"MessageDetail",
							 {{"id", HTTP_TYPE_UUID},
							  {"conversation_id", HTTP_TYPE_UUID},
							  {"seq", HTTP_TYPE_INTEGER},
							  {"role", HTTP_TYPE_STRING},
							  {"content", HTTP_TYPE_STRING},
							  {"created_at", HTTP_TYPE_TIME},
							  {"metadata", HTTP_TYPE_OBJECT},
							  {"edited_at", HTTP_TYPE_TIME_OR_NULL}}},
	[HTTP_CONVERSATION_PAGE] = {"ConversationPage",
								{{"items", HTTP_TYPE_CONVERSATIONS},
								 {"next_cursor", HTTP_TYPE_TEXT_OR_NULL},
								 {"has_more", HTTP_TYPE_BOOLEAN}}},
	[HTTP_MESSAGE_PAGE] = {"MessagePage",
						   {{"items", HTTP_TYPE_MESSAGES},
							{"next_cursor", HTTP_TYPE_TEXT_OR_NULL},
							{"has_more", HTTP_TYPE_BOOLEAN}}},
	[HTTP_HIT] = {"Hit",
				  {{"kind", HTTP_TYPE_STRING},
				   {"conversation_id", HTTP_TYPE_UUID},
				   {"title", HTTP_TYPE_STRING},
				   {"message_id", HTTP_TYPE_UUID_OR_NULL},
				   {"seq", HTTP_TYPE_INTEGER_OR_NULL},
				   {"role", HTTP_TYPE_TEXT_OR_NULL},
				   {"created_at", HTTP_TYPE_TIME},
				   {"rank", HTTP_TYPE_NUMBER},
				   {"snippet", HTTP_TYPE_STRING}}},
	[HTTP_HIT_PAGE] = {"HitPage",
					   {{"items", HTTP_TYPE_HITS},
						{"next_cursor", HTTP_TYPE_TEXT_OR_NULL},
						{"has_more", HTTP_TYPE_BOOLEAN}}},
	[HTTP_EXPORT] = {"Export",
					 {{"format", HTTP_TYPE_STRING},
					  {"version", HTTP_TYPE_INTEGER},
					  {"exported_at", HTTP_TYPE_TIME},
					  {"account", HTTP_TYPE_OBJECT},
					  {"sessions", HTTP_TYPE_OBJECTS},
					  {"conversations", HTTP_TYPE_OBJECTS},
					  {"events", HTTP_TYPE_OBJECTS}}},
	[HTTP_HEALTH] = {"Health", {{"status", HTTP_TYPE_STRING}}},
	[HTTP_READY] = {"Ready", {{"status", HTTP_TYPE_STRING}, {"writable", HTTP_TYPE_BOOLEAN}}},
};

/* Returns what a shape consists of. */
const HttpSchema *
agent_http_schema(HttpShape shape)
{
	return &schemas[shape];
}

/* Returns the media type of a shape. */
const char *
agent_http_content_type(HttpShape shape)
{
	return shape == HTTP_METRICS ? "text/plain; version=0.0.4; charset=utf-8" : "application/json";
}

/* Appends a time. */
static void
write_time(StringInfo json, TimestampTz time)
{
	struct pg_tm tm;
	fsec_t fraction;

	if (TIMESTAMP_NOT_FINITE(time) || timestamp2tm(time, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR,
				errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				errmsg("timestamp out of range"));
	appendStringInfo(json,
					 "\"%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00\"",
					 tm.tm_year,
					 tm.tm_mon,
					 tm.tm_mday,
					 tm.tm_hour,
					 tm.tm_min,
					 tm.tm_sec,
					 (int) fraction);
}

/* Appends a text, unless the answer would become too large. */
static void
write_text(StringInfo json, Datum value)
{
	char *string = TextDatumGetCString(value);

	escape_json(json, string);
	pfree(string);
	/* A character may have become six. */
	if (json->len > ANSWER_MAX)
		agent_raise(AGENT_ANSWER_TOO_LARGE, NULL);
}

/*
 * Raises that the answer would become too large, where that shows already: before
 * anything is read that is stored out of line.
 */
static void
check_size(const HeapTuple *rows, uint64 count, TupleDesc desc)
{
	Size sum = 0;

	for (int column = 1; column <= desc->natts; column++)
	{
		if (TupleDescAttr(desc, column - 1)->atttypid != TEXTOID)
			continue;
		for (uint64 i = 0; i < count; i++)
		{
			bool isnull;
			Datum value = heap_getattr(rows[i], column, desc, &isnull);

			sum += isnull ? 0 : toast_raw_datum_size(value);
		}
	}
	if (sum > ANSWER_MAX)
		agent_raise(AGENT_ANSWER_TOO_LARGE, NULL);
}

/* Appends an array of strings. */
static void
write_strings(StringInfo json, Datum value)
{
	Datum *items;
	int count;

	deconstruct_array(DatumGetArrayTypeP(value),
					  TEXTOID,
					  -1,
					  false,
					  TYPALIGN_INT,
					  &items,
					  NULL,
					  &count);
	appendStringInfoChar(json, '[');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		write_text(json, items[i]);
	}
	appendStringInfoChar(json, ']');
}

/* Appends a value of one of the types that the columns have. */
static void
write_value(StringInfo json, Oid type, Datum value)
{
	char uuid[AGENT_UUID_TEXT];

	switch (type)
	{
	case UUIDOID:
		appendStringInfo(json, "\"%s\"", agent_uuid_text(DatumGetUUIDP(value), uuid));
		break;
	case TEXTOID:
		write_text(json, value);
		break;
	case BOOLOID:
		appendStringInfoString(json, DatumGetBool(value) ? "true" : "false");
		break;
	case INT4OID:
		appendStringInfo(json, "%d", DatumGetInt32(value));
		break;
	case INT8OID:
		appendStringInfo(json, INT64_FORMAT, DatumGetInt64(value));
		break;
	case FLOAT4OID:
		appendStringInfoString(json, DatumGetCString(DirectFunctionCall1(float4out, value)));
		break;
	case TIMESTAMPTZOID:
		write_time(json, DatumGetTimestampTz(value));
		break;
	case TEXTARRAYOID:
		write_strings(json, value);
		break;
	case JSONBOID:
		(void) JsonbToCString(json, &DatumGetJsonbP(value)->root, 0);
		break;
	default:
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("unexpected type %s in an answer", format_type_be(type)),
				errhint("Run ALTER EXTENSION agent UPDATE."));
	}
}

/* Appends an array of rows. */
static void
write_items(StringInfo json, HttpShape shape, Datum value)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	TupleDesc desc = lookup_rowtype_tupdesc(ARR_ELEMTYPE(array), -1);
	Datum *items;
	int count;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &items, NULL, &count);
	appendStringInfoChar(json, '[');
	for (int i = 0; i < count; i++)
	{
		HeapTupleHeader header = DatumGetHeapTupleHeader(items[i]);
		HeapTupleData row = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};

		if (i > 0)
			appendStringInfoChar(json, ',');
		agent_http_write_row(json, shape, &row, desc);
	}
	appendStringInfoChar(json, ']');
	ReleaseTupleDesc(desc);
}

/* Appends a row as an object. */
void
agent_http_write_row(StringInfo json, HttpShape shape, HeapTuple row, TupleDesc desc)
{
	const HttpColumn *columns = schemas[shape].columns;

	for (int i = 0; columns[i].name != NULL; i++)
	{
		int number = SPI_fnumber(desc, columns[i].name);
		bool isnull;
		Datum value;

		if (number <= 0)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" is missing in an answer", columns[i].name),
					errhint("Run ALTER EXTENSION agent UPDATE."));
		value = heap_getattr(row, number, desc, &isnull);
		appendStringInfoString(json, i == 0 ? "{\"" : ",\"");
		appendStringInfoString(json, columns[i].name);
		appendStringInfoString(json, "\":");
		if (isnull)
			appendStringInfoString(json, "null");
		else if (columns[i].type == HTTP_TYPE_CONVERSATIONS)
			write_items(json, HTTP_CONVERSATION_DETAIL, value);
		else if (columns[i].type == HTTP_TYPE_MESSAGES)
			write_items(json, HTTP_MESSAGE_DETAIL, value);
		else if (columns[i].type == HTTP_TYPE_HITS)
			write_items(json, HTTP_HIT, value);
		else
			write_value(json, TupleDescAttr(desc, number - 1)->atttypid, value);
	}
	appendStringInfoChar(json, '}');
}

/* Appends rows as an array. */
void
agent_http_write_list(StringInfo json, HttpShape shape, const HeapTuple *rows, uint64 count,
					  TupleDesc desc)
{
	check_size(rows, count, desc);
	appendStringInfoChar(json, '[');
	for (uint64 i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		agent_http_write_row(json, shape, rows[i], desc);
	}
	appendStringInfoChar(json, ']');
}

/* Appends a document that a function has made, unless the answer would become too large. */
void
agent_http_write_document(StringInfo json, Datum document)
{
	text *string = DatumGetTextPP(document);

	if (VARSIZE_ANY_EXHDR(string) > ANSWER_MAX)
		agent_raise(AGENT_ANSWER_TOO_LARGE, NULL);
	appendBinaryStringInfo(json, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
}

/* Raises that an export would become too large, where that shows before it is made. */
void
agent_http_check_export(const pg_uuid_t *caller)
{
	Datum values[] = {UUIDPGetDatum(caller)};
	bool isnull;

	SPI_connect();
	agent_execute(AGENT_PLAN_EXPORT_SIZE, values, NULL);
	if (DatumGetInt64(agent_result(0, 1, &isnull)) > ANSWER_MAX)
		agent_raise(AGENT_ANSWER_TOO_LARGE, NULL);
	SPI_finish();
}
