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
 * version is visible, everything read from it holds, and finding out takes one
 * fetch by its address.
 */
#include "agent.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/skey.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* The columns of each key come first in its table and are never null. */
static const struct
{
	const char *table;
	const char *key_index;
	int key_columns;
} tables[] = {
	[AGENT_USERS] = {"users", "users_pkey", 1},
	[AGENT_SESSIONS] = {"sessions", "sessions_pkey", 2},
	[AGENT_SIGNING_KEYS] = {"signing_keys", "signing_keys_pkey", 1},
	[AGENT_CONVERSATIONS] = {"conversations", "conversations_pkey", 2},
};

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

/* Tells whether a tuple's first columns, which are uuids, are this key. */
static bool
has_key(HeapTuple tuple, const pg_uuid_t *key, int columns)
{
	return memcmp(GETSTRUCT(tuple), key, columns * sizeof(pg_uuid_t)) == 0;
}

/* Fills a row from a tuple, copied into the current memory context. */
static void
read_row(AgentTable table, Relation relation, HeapTuple tuple, AgentRow *row)
{
	TupleDesc desc = RelationGetDescr(relation);

	row->ref.table = table;
	row->ref.relid = RelationGetRelid(relation);
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
	scan = systable_beginscan(relation, index, true, snapshot, columns, keys);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found && row != NULL)
		read_row(table, relation, tuple, row);
	systable_endscan(scan);
	/* The lock is kept, as that of any table a statement reads. */
	table_close(relation, NoLock);
	return found;
}

/* Tells whether the snapshot still sees that very version of the row. */
bool
agent_row_unchanged(const AgentRowRef *ref, Snapshot snapshot)
{
	Relation relation = try_table_open(ref->relid, AccessShareLock);
	HeapTupleData tuple;
	Buffer buffer;
	bool unchanged = false;

	if (relation == NULL)
		return false;
	tuple.t_self = ref->tid;
	if (ItemPointerGetBlockNumber(&ref->tid) < RelationGetNumberOfBlocks(relation) &&
		heap_fetch(relation, snapshot, &tuple, &buffer, false))
	{
		unchanged = HeapTupleHeaderGetRawXmin(tuple.t_data) == ref->xmin &&
					has_key(&tuple, ref->key, tables[ref->table].key_columns);
		ReleaseBuffer(buffer);
	}
	table_close(relation, NoLock);
	return unchanged;
}
