import { NEVER_MS } from '../remote/remote-server.js'
import type { Statement } from './postgres-pool.js'

const INCARNATION = (xid: string): string =>
  `(${xid})::text || '/' || extract(epoch FROM pg_postmaster_start_time())`

/**
 * A statement succeeds only while the table is as this process has filled or adopted it: $1 is the generation, $2 the
 * incarnation, which is the transaction that began the fill (a restored row has another one) and the server's start
 * time (another one after a failover or a crash). The same statement checks it, and confirms it by a row of nulls.
 */
const VALID_FILL = `valid_fill AS MATERIALIZED (
  SELECT FROM dedup_entries WHERE id = ''::bytea AND value = $1 AND $2 = ${INCARNATION('xmin')}
)`

const IS_VALID = 'EXISTS (SELECT FROM valid_fill)'

/** $3 ids. */
export const READ: Statement = {
  name: 'dedup-read',
  text: `WITH ${VALID_FILL}
SELECT id, value FROM dedup_entries WHERE id = ANY($3::bytea[]) AND ${IS_VALID}
UNION ALL SELECT NULL, NULL FROM valid_fill`,
}

/** $3 ids, $4 values, $5 expiries, $6 what has expired by now. Answers with what stands then under each id. */
export const ADD: Statement = {
  name: 'dedup-add',
  text: `WITH ${VALID_FILL}, added AS (
  INSERT INTO dedup_entries AS standing (id, value, expires_at)
  SELECT id, value, expires_at FROM unnest($3::bytea[], $4::bytea[], $5::bigint[]) AS item (id, value, expires_at)
  WHERE ${IS_VALID}
  ON CONFLICT (id) DO UPDATE SET
    value = CASE WHEN standing.expires_at <= $6 THEN excluded.value ELSE standing.value END,
    expires_at = CASE WHEN standing.expires_at <= $6 THEN excluded.expires_at ELSE standing.expires_at END
  RETURNING id, value
)
SELECT id, value FROM added UNION ALL SELECT NULL, NULL FROM valid_fill`,
}

/** $3 ids, $4 values, $5 expiries. */
export const SET: Statement = {
  name: 'dedup-set',
  text: `WITH ${VALID_FILL}, written AS (
  INSERT INTO dedup_entries (id, value, expires_at)
  SELECT id, value, expires_at FROM unnest($3::bytea[], $4::bytea[], $5::bigint[]) AS item (id, value, expires_at)
  WHERE ${IS_VALID}
  ON CONFLICT (id) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
)
SELECT NULL, NULL FROM valid_fill`,
}

/** $3 ids, $4 what is expected (null: nothing), $5 values (null: to be removed), $6 expiries. Answers with the ids. */
export const SWAP: Statement = {
  name: 'dedup-swap',
  text: `WITH ${VALID_FILL}, wanted AS MATERIALIZED (
  SELECT id, expected, value, expires_at
  FROM unnest($3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[]) AS item (id, expected, value, expires_at)
  WHERE ${IS_VALID}
), removed AS (
  DELETE FROM dedup_entries AS standing USING wanted
  WHERE standing.id = wanted.id AND standing.value = wanted.expected AND wanted.value IS NULL
  RETURNING standing.id
), changed AS (
  UPDATE dedup_entries AS standing SET value = wanted.value, expires_at = wanted.expires_at FROM wanted
  WHERE standing.id = wanted.id AND standing.value = wanted.expected AND wanted.value IS NOT NULL
  RETURNING standing.id
), added AS (
  INSERT INTO dedup_entries (id, value, expires_at)
  SELECT id, value, expires_at FROM wanted WHERE expected IS NULL AND value IS NOT NULL
  ON CONFLICT (id) DO NOTHING
  RETURNING id
)
SELECT id, NULL FROM removed UNION ALL SELECT id, NULL FROM changed UNION ALL SELECT id, NULL FROM added
UNION ALL SELECT NULL, NULL FROM valid_fill`,
}

/**
 * Generation and incarnation of the table; whether the generation is complete, and which incarnation began it; the
 * positions; the logs. No row: the table has been emptied, or never filled.
 */
export const MARKER: Statement = {
  name: 'dedup-marker',
  text: `SELECT convert_from(entry.value, 'UTF8'), ${INCARNATION('entry.xmin')}, marker.complete, marker.incarnation,
  (SELECT convert_from(value, 'UTF8') FROM dedup_entries WHERE id = 'positions'::bytea),
  (SELECT convert_from(value, 'UTF8') FROM dedup_entries WHERE id = 'logs'::bytea)
FROM dedup_entries AS entry LEFT JOIN dedup_marker AS marker ON marker.one WHERE entry.id = ''::bytea`,
}

/** $1 generation, $2 the logs. Answers with the incarnation. */
export const BEGIN: Statement = {
  name: 'dedup-begin',
  text: `WITH begun AS (
  INSERT INTO dedup_entries (id, value, expires_at)
  VALUES (''::bytea, $1, ${NEVER_MS}), ('logs'::bytea, convert_to($2, 'UTF8'), ${NEVER_MS})
  ON CONFLICT (id) DO UPDATE SET value = excluded.value
  RETURNING id
)
INSERT INTO dedup_marker (one, complete, incarnation)
SELECT true, false, ${INCARNATION('pg_current_xact_id()::xid')} FROM begun WHERE id = ''::bytea
ON CONFLICT (one) DO UPDATE SET complete = false, incarnation = excluded.incarnation
RETURNING incarnation`,
}

/** Answers with a row if the fill is valid. */
export const COMPLETE: Statement = {
  name: 'dedup-complete',
  text: `WITH ${VALID_FILL} UPDATE dedup_marker SET complete = true WHERE incarnation = $2 AND ${IS_VALID} RETURNING one`,
}

/** $3 a JSON object of positions, which are added to those that are there. Answers with a row if the fill is valid. */
export const POSITION: Statement = {
  name: 'dedup-position',
  text: `WITH ${VALID_FILL}
INSERT INTO dedup_entries AS standing (id, value, expires_at)
SELECT 'positions'::bytea, convert_to($3, 'UTF8'), ${NEVER_MS} FROM valid_fill
ON CONFLICT (id) DO UPDATE SET value = convert_to(
  (convert_from(standing.value, 'UTF8')::jsonb || convert_from(excluded.value, 'UTF8')::jsonb)::text, 'UTF8')
RETURNING id`,
}

/** $1 who, $2 for how many milliseconds. Answers with a row if it is granted. */
export const ACQUIRE_LEASE: Statement = {
  name: 'dedup-claim',
  text: `INSERT INTO dedup_marker AS marker (one, keeper, keeper_until)
VALUES (true, $1, clock_timestamp() + $2::integer * interval '1 ms')
ON CONFLICT (one) DO UPDATE SET keeper = excluded.keeper, keeper_until = excluded.keeper_until
WHERE marker.keeper = $1 OR marker.keeper_until < clock_timestamp()
RETURNING one`,
}

/** $1 who. */
export const RELEASE_LEASE: Statement = {
  name: 'dedup-release',
  text: "UPDATE dedup_marker SET keeper_until = '-infinity' WHERE keeper = $1",
}

/** Whether it may be written; its version; about how many rows and how many blocks there are. */
export const LOOK: Statement = {
  name: 'dedup-look',
  text: `SELECT NOT pg_is_in_recovery() AND NOT current_setting('transaction_read_only')::boolean,
  current_setting('server_version_num')::integer, greatest(0, reltuples::bigint)::text,
  (pg_relation_size(oid) / current_setting('block_size')::bigint)::text
FROM pg_class WHERE oid = to_regclass('dedup_entries')`,
}

/**
 * Removes what expired before $3 from the blocks $1 to $2 (exclusive), at most $4 rows. It needs no index, and skips
 * rows that another transaction has locked.
 */
export const CLEAN: Statement = {
  name: 'dedup-clean',
  text: `DELETE FROM dedup_entries WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM dedup_entries
  WHERE ctid >= format('(%s,0)', $1::bigint)::tid AND ctid < format('(%s,0)', $2::bigint)::tid AND expires_at <= $3
  LIMIT $4 FOR UPDATE SKIP LOCKED))
RETURNING NULL`,
}
