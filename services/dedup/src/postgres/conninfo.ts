/** The settings of a connection by libpq's names. */
export type Conninfo = ReadonlyMap<string, string>

/** Why a text is no connection string; never tells a part of it, which may be a password. */
export class ConninfoError extends Error {
  override readonly name = 'ConninfoError'
}

/** Reads a connection string as libpq does: key=value pairs, or a URL. @throws ConninfoError */
export function parseConninfo(text: string): Conninfo {
  return /^postgres(ql)?:\/\//.test(text) ? parseUrl(text) : parsePairs(text)
}

const QUOTED = /^'((?:[^'\\]|\\[\s\S])*)'/
const PLAIN = /^((?:[^\s\\]|\\[\s\S])*)\\?/

/** key = value, separated by blanks; a value may be in single quotes; a backslash takes what follows as it is. */
function parsePairs(text: string): Conninfo {
  const settings = new Map<string, string>()
  let rest = text.trimStart()
  while (rest !== '') {
    const name = /^([^\s=]+)\s*=\s*/.exec(rest)
    if (!name?.[1]) throw new ConninfoError('something in it is not followed by = and a value')
    rest = rest.slice(name[0].length)
    const value = (rest.startsWith("'") ? QUOTED : PLAIN).exec(rest)
    if (!value) throw new ConninfoError(`the quote after ${nameOnly(name[1])} is not closed`)
    settings.set(name[1], (value[1] ?? '').replace(/\\([\s\S])/g, '$1'))
    rest = rest.slice(value[0].length).trimStart()
  }
  return settings
}

/** postgresql://user:password@host:port/dbname?name=value&… */
function parseUrl(text: string): Conninfo {
  const [before = '', query = ''] = text.replace(/^[^:]+:\/\//, '').split(/\?(.*)/s)
  const match = /^(?:([^@/:]*)(?::([^@/]*))?@)?(\[[^\]]*\]|[^/:,]*)(?::(\d*))?(?:\/(.*))?$/s.exec(before)
  if (!match)
    throw new ConninfoError('the URL is not of the form postgresql://user:password@host:port/database')
  const settings = new Map<string, string>()
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') settings.set(name, decode(value))
  }
  const [, user, password, host, port, database] = match
  set('user', user)
  set('password', password)
  set('host', host?.replace(/^\[|\]$/g, ''))
  set('port', port)
  set('dbname', database)
  for (const part of query === '' ? [] : query.split('&')) {
    const [name = '', value] = part.split(/=(.*)/s)
    if (value === undefined)
      throw new ConninfoError('a parameter of the URL is not followed by = and a value')
    // As JDBC writes it; libpq takes it as well.
    if (decode(name) === 'ssl' && decode(value) === 'true') settings.set('sslmode', 'require')
    else settings.set(decode(name), decode(value))
  }
  return settings
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ConninfoError('the URL has a % that is not followed by two hex digits')
  }
}

/** Of something that should be a name: only what can be one. */
function nameOnly(text: string): string {
  return /^[a-z_]{1,64}$/.test(text) ? text : 'a name'
}
