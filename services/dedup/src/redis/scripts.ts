import { hash } from 'node:crypto'

/** A script that the server keeps, called by its digest. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

function script(text: string): Script {
  return { text, sha1: hash('sha1', text) }
}

/**
 * SET NX GET for each key, in one command: a batch costs a client far more as commands of their own. Arguments: for
 * each key its value and its milliseconds to live (empty: for ever). Replies for each: nil where it was put, what
 * stands there, or 0 where there is no room (Redis answers OOM before it looks at the key, so a GET follows).
 */
export const ADD = script(`
local replies = {}
for i, key in ipairs(KEYS) do
  local value, ttl = ARGV[2 * i - 1], ARGV[2 * i]
  local reply
  if ttl == '' then
    reply = redis.pcall('SET', key, value, 'NX', 'GET')
  else
    reply = redis.pcall('SET', key, value, 'NX', 'GET', 'PX', ttl)
  end
  if type(reply) == 'table' and reply.err then
    if not string.find(reply.err, 'OOM', 1, true) then return reply end
    reply = redis.call('GET', key) or 0
  end
  replies[i] = reply
end
return replies`)

/** SET for each key; arguments as of ADD. Replies 1 for each. */
export const SET = script(`
local replies = {}
for i, key in ipairs(KEYS) do
  local value, ttl = ARGV[2 * i - 1], ARGV[2 * i]
  if ttl == '' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', ttl) end
  replies[i] = 1
end
return replies`)

/**
 * Changes each key on which exactly this stands. Arguments: for each key what is expected (empty: nothing), the new
 * value (empty: it is removed) and its milliseconds to live. Replies 1 or 0 for each.
 */
export const SWAP = script(`
local replies = {}
for i, key in ipairs(KEYS) do
  local expected, value, ttl = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  if (redis.call('GET', key) or '') ~= expected then
    replies[i] = 0
  else
    if value == '' then redis.call('DEL', key) else redis.call('SET', key, value, 'PX', ttl) end
    replies[i] = 1
  end
end
return replies`)

/** Sets a field of a marker that is still of this generation. Replies 1 or 0. */
export const MARK = script(`
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return 1`)

/** Claims a key for a while, or renews the own claim. Replies 1 or 0. */
export const ACQUIRE_LEASE = script(`
local keeper = redis.call('GET', KEYS[1])
if keeper and keeper ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

/** Gives up the own claim. */
export const RELEASE_LEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

export const SCRIPTS: readonly Script[] = [ADD, SET, SWAP, MARK, ACQUIRE_LEASE, RELEASE_LEASE]
