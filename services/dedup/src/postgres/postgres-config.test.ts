import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { ConfigError, Env } from '@fractal-lba/runtime'
import { afterAll, describe, expect, it } from 'vitest'
import { readPostgresConfig, type TlsAttempt } from './postgres-config.js'

const directory = mkdtempSync(join(tmpdir(), 'dedup-postgres-config-'))
const ca = join(directory, 'ca.crt')
writeFileSync(ca, 'of an authority')
afterAll(() => rmSync(directory, { recursive: true }))

function read(conn: string, variables: Record<string, string> = {}) {
  const env = new Env({ POSTGRES_CONN: conn, ...variables })
  const config = readPostgresConfig(env)
  env.done()
  return config
}

function mistakesOf(conn: string, variables: Record<string, string> = {}): readonly string[] {
  try {
    read(conn, variables)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
}

/** What an attempt checks of the certificate. */
function checks(attempt: TlsAttempt): string {
  if (attempt === false) return 'no TLS'
  if (attempt.rejectUnauthorized === false) return 'nothing'
  const authority = attempt.ca === 'of an authority' ? 'the authority' : 'the authorities of the system'
  return attempt.checkServerIdentity ? authority : `${authority} and the name`
}

describe('the configuration of Postgres', () => {
  it('takes the settings of both forms', () => {
    const expected = {
      ...{ host: 'db', port: 5433, user: 'u', password: 'p w', database: 'flk', applicationName: 'mine' },
      ...{ connectTimeoutMs: 3_000, options: '-c x=1', connectionsMax: 8, tls: [false] },
    }
    const rest = "application_name=mine connect_timeout=3 sslmode=disable options='-c x=1'"
    expect(read(`host=db port=5433 user=u password='p w' dbname=flk ${rest}`)).toEqual(expected)
    const query = 'application_name=mine&connect_timeout=3&sslmode=disable&options=-c%20x%3D1'
    expect(read(`postgresql://u:p%20w@db:5433/flk?${query}`)).toEqual(expected)
  })

  it('has the defaults of libpq, and its own name', () => {
    const { username } = userInfo()
    expect(read('host=db')).toMatchObject({
      ...{ host: 'db', port: 5432, user: username, database: username, password: undefined },
      ...{ applicationName: 'fractal-lba dedup', connectTimeoutMs: undefined, options: undefined },
    })
    expect(read('user=u').host).toBe('localhost')
    expect(read('host=db user=u').database).toBe('u')
    expect(read('host=db connect_timeout=0').connectTimeoutMs).toBeUndefined()
  })

  it('takes the password from a variable of its own', () => {
    expect(read('host=db', { POSTGRES_PASSWORD: 's3cret' }).password).toBe('s3cret')
  })

  it.each([
    ['', ['nothing', 'no TLS']],
    ['sslmode=disable', ['no TLS']],
    ['sslmode=allow', ['no TLS', 'nothing']],
    ['sslmode=prefer', ['nothing', 'no TLS']],
    ['sslmode=require', ['nothing']],
    [`sslmode=require sslrootcert=${ca}`, ['the authority']],
    [`sslmode=verify-ca sslrootcert=${ca}`, ['the authority']],
    [`sslmode=verify-full sslrootcert=${ca}`, ['the authority and the name']],
    ['sslrootcert=system', ['the authorities of the system and the name']],
  ])('means by %j what libpq means', (settings, attempts) => {
    expect(read(`host=db ${settings}`).tls.map(checks)).toEqual(attempts)
  })

  it('takes the authority from TLS_CA_FILE where it is asked for', () => {
    expect(read('host=db sslmode=verify-full', { TLS_CA_FILE: ca }).tls.map(checks)).toEqual([
      'the authority and the name',
    ])
    expect(read('host=db sslmode=require', { TLS_CA_FILE: ca }).tls.map(checks)).toEqual(['nothing'])
  })

  it('speaks no TLS over a socket, whatever sslmode says', () => {
    expect(read('host=/run/postgresql sslmode=require').tls).toEqual([false])
  })

  it('checks the name of the host where the address is given apart', () => {
    const [tls] = read(`host=db.example hostaddr=10.0.0.1 sslmode=verify-full sslrootcert=${ca}`).tls
    expect(tls).toMatchObject({ servername: 'db.example' })
    expect(read('host=db.example hostaddr=10.0.0.1').host).toBe('10.0.0.1')
  })

  it.each([
    ['host=a,b', /several hosts/],
    ['host=db port=x', /port is not a whole number/],
    ['host=db sslmode=maybe', /sslmode is not one of disable, allow/],
    ['host=db sslmode=verify-full', /no(ne|t).*sslrootcert or TLS_CA_FILE/],
    ['host=db sslmode=require sslrootcert=system', /only with sslmode=verify-full/],
    ['host=db service=x', /service is not supported/],
    ['host=db client_encoding=latin1', /this value of client_encoding is not supported/],
    ['host=db sslcert=/nowhere', /file of sslcert cannot be read/],
    ['host db', /not followed by =/],
  ])('names the mistake in %j', (conn, mistake) => {
    expect(mistakesOf(conn)).toEqual([expect.stringMatching(mistake)])
  })

  it('names what is missing and what is said twice, and tells no password', () => {
    expect(mistakesOf('')).toEqual([expect.stringMatching(/^POSTGRES_CONN must be set/)])
    const told = mistakesOf('host=db password=s3cret s3cret=1', { POSTGRES_PASSWORD: 'hunter2' })
    expect(told).toEqual([
      'POSTGRES_CONN: a name in it is not supported',
      expect.stringMatching(/^POSTGRES_PASSWORD is set, and/),
    ])
    expect(told.join()).not.toMatch(/s3cret|hunter2/)
  })
})
