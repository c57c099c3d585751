/*
 * compat.h
 *		The only place that knows how PostgreSQL 15 to 18 differ.
 */
#ifndef AGENT_COMPAT_H
#define AGENT_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "agent needs PostgreSQL 15 or later"
#endif

/* Numbers and times of 64 bits are passed by value throughout. */
#ifndef USE_FLOAT8_BYVAL
#error "agent needs a 64-bit server"
#endif

#include "common/base64.h"
#include "common/jsonapi.h"
#include "fmgr.h"

/* Access to variable-length values left postgres.h in 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* JSON parser actions return a verdict since 16, nothing before. */
#if PG_VERSION_NUM >= 160000
#define JSON_ACTION      JsonParseErrorType
#define JSON_ACTION_DONE return JSON_SUCCESS
#else
#define JSON_ACTION      void
#define JSON_ACTION_DONE return
#endif

/* The lexer takes an optional place for itself since 17. */
#if PG_VERSION_NUM >= 170000
#define agent_json_lexer(text, len) makeJsonLexContextCstringLen(NULL, (text), (len), PG_UTF8, true)
#else
#define agent_json_lexer(text, len) makeJsonLexContextCstringLen((text), (len), PG_UTF8, true)
#endif

/* What names a relation's file was renamed in 16. */
#if PG_VERSION_NUM >= 160000
#include "storage/relfilelocator.h"
typedef RelFileLocator AgentFile;
#define AGENT_FILE_OF(relation) ((relation)->rd_locator)
#else
#include "storage/relfilenode.h"
typedef RelFileNode AgentFile;
#define AGENT_FILE_OF(relation) ((relation)->rd_node)
#endif

/* Base64 speaks of bytes as uint8 since 18. */
#if PG_VERSION_NUM >= 180000
typedef uint8 agent_b64_byte;
#else
typedef char agent_b64_byte;
#endif

/* Waits of extensions have names since 17. */
#if PG_VERSION_NUM >= 170000
#include "utils/wait_event.h"
#define agent_wait_event(name) WaitEventExtensionNew(name)
#else
#include "utils/wait_event.h"
#define agent_wait_event(name) PG_WAIT_EXTENSION
#endif

/* Modules can carry their name since 18. */
#ifdef PG_MODULE_MAGIC_EXT
#define AGENT_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "agent")
#else
#define AGENT_MODULE_MAGIC PG_MODULE_MAGIC
#endif

#endif /* AGENT_COMPAT_H */
