/*
 * http.h
 *		What the files of the classic REST API offer each other.
 */
#ifndef AGENT_HTTP_H
#define AGENT_HTTP_H

#include "agent.h"

#include "access/htup.h"
#include "utils/jsonb.h"

#define HTTP_PARAMETERS_MAX 14 /* of a route and one that ends the list, or of a function */

typedef enum HttpPlace
{
	HTTP_NOWHERE,
	HTTP_PATH,
	HTTP_QUERY,
	HTTP_HEADER, /* comes last: handed over, and no parameter of the function */
	HTTP_BODY,
	HTTP_OPTION /* of the body too, but about the answer: no parameter of the function */
} HttpPlace;

typedef struct HttpParameter
{
	HttpPlace place;
	AgentField field;
} HttpParameter;

/* What a route answers with. */
typedef enum HttpShape
{
	HTTP_NOTHING,
	HTTP_USER,
	HTTP_TOKEN,
	HTTP_TOKEN_PAIR,
	HTTP_SESSION,
	HTTP_CONVERSATION,
	HTTP_CONVERSATION_DETAIL,
	HTTP_CONVERSATION_PAGE,
	HTTP_MESSAGE,
	HTTP_MESSAGE_DETAIL,
	HTTP_MESSAGE_PAGE,
	HTTP_HIT,
	HTTP_HIT_PAGE,
	HTTP_EXPORT, /* a document that the function makes */
	HTTP_HEALTH, /* likewise */
	HTTP_READY,
	HTTP_METRICS, /* no JSON, and for whoever has a token of its own */
	HTTP_OPENAPI,
	HTTP_SHAPE_COUNT
} HttpShape;

typedef enum HttpType
{
	HTTP_TYPE_UUID,
	HTTP_TYPE_UUID_OR_NULL,
	HTTP_TYPE_EMAIL,
	HTTP_TYPE_STRING,
	HTTP_TYPE_TEXT_OR_NULL,
	HTTP_TYPE_BOOLEAN,
	HTTP_TYPE_INTEGER,
	HTTP_TYPE_INTEGER_OR_NULL,
	HTTP_TYPE_NUMBER,
	HTTP_TYPE_TIME,
	HTTP_TYPE_TIME_OR_NULL,
	HTTP_TYPE_STRINGS,
	HTTP_TYPE_OBJECT,
	HTTP_TYPE_OBJECTS,
	HTTP_TYPE_CONVERSATIONS, /* in detail */
	HTTP_TYPE_MESSAGES,      /* likewise */
	HTTP_TYPE_HITS
} HttpType;

typedef struct HttpColumn
{
	const char *name; /* NULL ends the list */
	HttpType type;
} HttpColumn;

typedef struct HttpSchema
{
	const char *name;
	HttpColumn columns[12];
} HttpSchema;

/*
 * A route calls the SQL function with the parameters, in this order, and NULL for what
 * arguments follow; or, where it has none, runs the plan with the caller's id before
 * them, for a list.
 */
typedef struct HttpRoute
{
	const char *method;
	const char *path;      /* {...} stands for one segment */
	const char *tag;       /* what it belongs to, in the OpenAPI document */
	const char *operation; /* its name there */
	const char *summary;
	bool is_public;
	bool body_may_be_missing;
	int status; /* of success */
	HttpShape shape;
	HttpShape option_shape; /* with the option that is in the parameters */
	const char *function;
	AgentPlan list;
	AgentPlan version; /* likewise: of what is read, for its entity tag; or none */
	HttpParameter parameters[HTTP_PARAMETERS_MAX];
	AgentError errors[3]; /* of its own; AGENT_NO_ERROR ends the list */
} HttpRoute;

typedef struct HttpRequest
{
	const char *method;
	char *path;                  /* without percent signs */
	const char *query;           /* as sent */
	const char *authorization;   /* of the header; or NULL */
	const char *user_agent;      /* likewise */
	const char *address;         /* likewise, of agent.trusted_address_header */
	const char *idempotency_key; /* likewise */
	const char *if_none_match;   /* likewise */
	char *body;
	int body_len;
	const HttpRoute *route;
	int number;    /* of the route in the table; -1: there is none */
	char *segment; /* what stood for the {...} */
	bool option;   /* was asked for */
} HttpRequest;

typedef struct HttpHeader
{
	const char *name; /* in lower case */
	const char *value;
} HttpHeader;

typedef struct HttpAnswer
{
	int status;
	const char *content_type;
	const char *cache_control;
	int header_count;
	HttpHeader headers[6];
	StringInfoData body; /* begins with room for the header of a bytea */
} HttpAnswer;

/* http.c */
extern const HttpRoute agent_http_routes[];
extern const int agent_http_route_count;
extern const HttpRoute *agent_http_page_form(const HttpRoute *route);
extern void agent_http_answer_begin(HttpAnswer *answer, int status);
extern void agent_http_add_header(HttpAnswer *answer, const char *name, const char *value);
extern void agent_http_answer_error(HttpAnswer *answer, AgentError error);
extern bytea *agent_http_answer(HttpRequest *request, const char *schema, HttpAnswer *answer);

/* http_etag.c */
extern bool agent_http_not_modified(const HttpRequest *request, HttpAnswer *answer,
									const pg_uuid_t *caller, int count, const Datum *values,
									const bool *nulls);

/* http_monitor.c */
extern bool agent_http_is_there(const HttpRoute *route);
extern void agent_http_check_watcher(const HttpRequest *request);
extern void agent_http_ready(StringInfo json);
extern void agent_http_not_ready(HttpAnswer *answer);

/* http_openapi.c */
extern void agent_http_openapi(StringInfo json);

/* http_read.c */
extern char *agent_http_decode(const char *text, int len, bool is_query);
extern int agent_http_parameters(HttpRequest *request, AgentFaults *faults, Datum *values,
								 bool *nulls);
extern bool agent_http_asks_for(const char *query, AgentField field);
extern bool agent_http_takes_password(const HttpRoute *route);
extern bool agent_http_takes(const HttpRoute *route, HttpPlace place);

/* http_serve.c */
extern uint64 agent_http_execute(AgentPlan plan, const pg_uuid_t *caller, int count,
								 const Datum *values, const bool *nulls);
extern void agent_http_serve(HttpRequest *request, const char *schema, HttpAnswer *answer);

/* http_time.c */
extern bool agent_http_time(const char *text, TimestampTz *time);

/* http_value.c */
extern Oid agent_http_type(AgentField field);
extern bool agent_http_value(AgentFaults *faults, AgentField field, const AgentJsonMember *input,
							 Datum *value);

/* http_write.c */
extern const HttpSchema *agent_http_schema(HttpShape shape);
extern const char *agent_http_content_type(HttpShape shape);
extern void agent_http_write_list(StringInfo json, HttpShape shape, const HeapTuple *rows,
								  uint64 count, TupleDesc desc);
extern void agent_http_write_row(StringInfo json, HttpShape shape, HeapTuple row, TupleDesc desc);
extern void agent_http_write_document(StringInfo json, Datum document);
extern void agent_http_check_export(const pg_uuid_t *caller);

#endif /* AGENT_HTTP_H */
