/*
 * lookup.c
 *		Reads single rows of the private tables by primary key.
 *
 * Called to find out who the caller is, before any role could be asked for its
 * privileges: it reads below the level of SQL, without privileges and without
 * row security. So nothing of a row leaves this module but by the rules of the
 * file that asked. One such look-up costs about a tenth of a query through SPI.
 *
 * An AgentRowRef remembers the version of a row that was seen. As long as that
 * version is visible, everything read from it holds. Finding out takes one look
 * at the buffer that had its page: if that holds another page by now, or nothing,
 * or the table was rewritten, the answer is no, and the row is looked up again.
 */
#include "agent.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * What is looked up. The columns of each key come first and are never null; the
 * others that the module reads have these types.
 */
/* clang-format off */
static const struct
{
	const char *table;
	const char *key_index;
	int key_columns;
	int columns;
	Oid types[7];
} tables[AGENT_TABLE_COUNT] = {
	[AGENT_USERS] = {
		"users", "users_pkey", 1,
		6, {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID}
	},
	[AGENT_SESSIONS] = {
		"sessions", "sessions_pkey", 2,
		5, {UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID}
	},
	[AGENT_SIGNING_KEYS] = {
		"signing_keys", "signing_keys_pkey", 1,
		4, {UUIDOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID}
	},
	[AGENT_CONVERSATIONS] = {
		"conversations", "conversations_pkey", 2,
		2, {UUIDOID, UUIDOID}
	},
};
/* clang-format on */

/* Returns the oid of a relation of the schema agent. */
static Oid
relation_oid(const char *name)
{
	Oid relid = get_relname_relid(name, get_namespace_oid("agent", false));

	if (!OidIsValid(relid))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation \"agent.%s\" does not exist", name),
				errhint("See CREATE EXTENSION and ALTER EXTENSION agent UPDATE."));
	return relid;
}

/* Fails when somebody has altered the columns that the module reads. */
static void
check_columns(AgentTable table, TupleDesc desc)
{
	for (int i = 0; i < tables[table].columns; i++)
	{
		if (i >= desc->natts || TupleDescAttr(desc, i)->attisdropped ||
			TupleDescAttr(desc, i)->atttypid != tables[table].types[i])
			ereport(
				ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("table \"agent.%s\" is not as the extension made it", tables[table].table),
				errhint("Restore its columns, or run ALTER EXTENSION agent UPDATE."));
	}
}

/* Fills a row from the tuple of a scan, copied into the current memory context. */
static void
read_row(AgentTable table, SysScanDesc scan, HeapTuple tuple, AgentRow *row)
{
	Relation relation = scan->heap_rel;
	TupleDesc desc = RelationGetDescr(relation);

	row->ref.table = table;
	row->ref.relid = RelationGetRelid(relation);
	row->ref.file = AGENT_FILE_OF(relation);
	row->ref.buffer = ((BufferHeapTupleTableSlot *) scan->slot)->buffer;
	row->ref.tid = tuple->t_self;
	row->ref.xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
	memcpy(row->ref.key, GETSTRUCT(tuple), tables[table].key_columns * sizeof(pg_uuid_t));
	row->values = palloc(desc->natts * sizeof(Datum));
	row->nulls = palloc(desc->natts * sizeof(bool));
	heap_deform_tuple(heap_copytuple(tuple), desc, row->values, row->nulls);
}

/*
 * Finds the row of this key that the snapshot sees; false when there is none.
 *
 * row may be NULL where it only matters that there is one.
 */
bool
agent_row_find(AgentTable table, const pg_uuid_t *key, Snapshot snapshot, AgentRow *row)
{
	Relation relation = table_open(relation_oid(tables[table].table), AccessShareLock);
	Oid index = relation_oid(tables[table].key_index);
	int columns = tables[table].key_columns;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	bool found;

	for (int i = 0; i < columns; i++)
		ScanKeyInit(&keys[i], i + 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&key[i]));
	check_columns(table, RelationGetDescr(relation));
	scan = systable_beginscan(relation, index, true, snapshot, columns, keys);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found && row != NULL)
		read_row(table, scan, tuple, row);
	systable_endscan(scan);
	/* The lock is kept, as that of any table a statement reads. */
	table_close(relation, NoLock);
	return found;
}

/* Tells whether a page still has that version of the row, visible to the snapshot. */
static bool
page_has_row(Buffer buffer, const AgentRowRef *ref, Snapshot snapshot)
{
	Page page = BufferGetPage(buffer);
	OffsetNumber offset = ItemPointerGetOffsetNumber(&ref->tid);
	HeapTupleData tuple;
	ItemId item;

	if (offset > PageGetMaxOffsetNumber(page))
		return false;
	item = PageGetItemId(page, offset);
	if (!ItemIdIsNormal(item))
		return false;
	tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
	tuple.t_len = ItemIdGetLength(item);
	tuple.t_tableOid = ref->relid;
	tuple.t_self = ref->tid;
	return HeapTupleHeaderGetRawXmin(tuple.t_data) == ref->xmin &&
		   memcmp(GETSTRUCT(&tuple),
				  ref->key,
				  tables[ref->table].key_columns * sizeof(pg_uuid_t)) == 0 &&
		   HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer);
}

/*
 * Tells whether the snapshot is known to still see that very version of the row.
 *
 * It takes no lock on the table: the buffer is pinned before it is looked at, and
 * a file that is dropped takes its pages out of the buffers first.
 */
bool
agent_row_unchanged(const AgentRowRef *ref, Snapshot snapshot)
{
	bool unchanged;

	if (!ReadRecentBuffer(ref->file,
						  MAIN_FORKNUM,
						  ItemPointerGetBlockNumber(&ref->tid),
						  ref->buffer))
		return false;
	LockBuffer(ref->buffer, BUFFER_LOCK_SHARE);
	unchanged = page_has_row(ref->buffer, ref, snapshot);
	UnlockReleaseBuffer(ref->buffer);
	return unchanged;
}
