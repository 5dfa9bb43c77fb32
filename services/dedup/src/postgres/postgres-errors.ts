import { DatabaseError } from 'pg'
import { UnsuitableServer } from '../remote/unsuitable-server.js'

/** The server has no answer: not there, too late, or about to go. Whatever was sent may be executed all the same. */
export class PostgresDown extends Error {
  override readonly name = 'PostgresDown'
}

/** All connections were in use for the whole time: the server is there, and this call was not sent. */
export class PostgresBusy extends Error {
  override readonly name = 'PostgresBusy'
}

/** A sentence without details, which may go to any caller: details of pg's errors may hold values. */
export function sentenceFor(error: unknown): string {
  if (error instanceof UnsuitableServer) return error.message
  if (error instanceof PostgresBusy) return 'all connections to Postgres are busy'
  if (!(error instanceof DatabaseError)) return 'Postgres cannot be reached, or does not answer in time'
  switch (error.code) {
    case '25006':
      return 'Postgres takes no writes here: it is a standby, or read-only'
    case '28000':
    case '28P01':
      return 'Postgres does not let this user in'
    case '3D000':
      return 'Postgres does not have this database'
    case '42501':
      return 'Postgres does not let this user do this'
    case '42P01':
      return 'Postgres has lost its tables'
    case '53100':
      return 'the disk of Postgres is full'
    case '53300':
      return 'Postgres takes no further connection'
    case '57P01':
    case '57P02':
    case '57P03':
      return 'Postgres is starting or stopping'
    default:
      return `Postgres refuses: ${error.code ?? 'for no reason that it names'}`
  }
}

/** Whether another connection, at another time, may get an answer; else it is about this statement alone. */
export function isDown(error: unknown): boolean {
  if (error instanceof PostgresBusy) return false
  if (!(error instanceof DatabaseError)) return true
  const code = error.code ?? ''
  // Connection, authorisation, resources of connections, shutdown; read-only; no database, schema or table.
  return /^(08|28|57P|3D|3F)/.test(code) || ['25006', '53300', '42P01', '42501'].includes(code)
}

/** Of a server that takes TLS only, or no TLS at all: the other attempt of sslmode=allow or prefer may be taken. */
export function isAboutTls(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === '28000'
  return error instanceof Error && /SSL|TLS|certificate/i.test(error.message)
}
