import { isIP } from 'node:net'
import { printable } from '@fractal-lba/runtime/text'
import { roles } from '@fractal-lba/runtime/topology'
import type { Command } from '../cli/command.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'

const DAYS_DEFAULT = 30
const DAYS_MAX = 365
const HOSTS_DEFAULT = 'localhost,127.0.0.1,::1'

export const certs: Command = {
  name: 'certs',
  summary: 'make certificates to try TLS with',
  usage: 'certs [--out DIR] [--days N] [--hosts NAME,…] [--json]',
  options: [
    { name: 'out', value: 'DIR', help: 'where they are written; it must be empty or not there (./certs)' },
    { name: 'days', value: 'N', help: `how long they are good, at most ${DAYS_MAX} (${DAYS_DEFAULT})` },
    {
      name: 'hosts',
      value: 'NAME,…',
      help: `names and addresses under which clients reach the gateway\n(${HOSTS_DEFAULT})`,
    },
    { name: 'json', help: 'print one JSON object' },
  ],
  notes: `Makes an authority, and a directory for each service and for the tools with tls.crt, tls.key and ca.crt in it.
The key of the authority is not kept: nobody can sign a further one, and who wants others makes all of them anew.

This is for trying and for development. It is not for production: nobody watches over this authority, nothing
revokes what it has signed, and the keys lie in files. There, let an authority of your own or cert-manager sign
a certificate for each service by its name.

Example:
  pcs certs --out certs
  TLS_ENABLED=true TLS_CERT_FILE=certs/tools/tls.crt TLS_KEY_FILE=certs/tools/tls.key TLS_CA_FILE=certs/ca.crt \\
    pcs wal compact --dry-run`,
  async run(given, terminal) {
    const directory = given.text('out') ?? 'certs'
    const days = daysFrom(given.text('days'))
    const hosts = hostsFrom(given.text('hosts') ?? HOSTS_DEFAULT)
    // Loaded by this command alone.
    const { DirectoryInUseError, developmentHolders, makeDevelopmentSet } = await import(
      '@fractal-lba/credentials/development'
    )
    const holders = developmentHolders(roles, hosts)
    try {
      const notAfter = await makeDevelopmentSet({ directory, holders, days })
      const names = holders.map(({ name }) => name)
      terminal.out(
        given.has('json') ? jsonOf(directory, names, notAfter) : textOf(directory, names, notAfter),
      )
      return EXIT.done
    } catch (error) {
      if (error instanceof DirectoryInUseError)
        throw new Failure(`${printable(directory)} is not empty: nothing is written over`)
      if (error instanceof Error && 'code' in error) {
        throw new Failure(`cannot write ${printable(directory)}: ${String(error.code)}`, EXIT.refused, {
          cause: error,
        })
      }
      throw error
    }
  },
}

function daysFrom(text: string | undefined): number {
  if (text === undefined) return DAYS_DEFAULT
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > DAYS_MAX) throw usageError(`--days must be a whole number from 1 to ${DAYS_MAX}`)
  return days
}

function hostsFrom(text: string): { readonly dns: readonly string[]; readonly ips: readonly string[] } {
  const hosts = text.split(',').map((part) => part.trim())
  if (!hosts.every((host) => isIP(host) !== 0 || /^[A-Za-z0-9*][A-Za-z0-9.-]{0,252}$/.test(host))) {
    throw usageError('--hosts must be DNS names and addresses, separated by commas')
  }
  return { dns: hosts.filter((host) => isIP(host) === 0), ips: hosts.filter((host) => isIP(host) !== 0) }
}

function textOf(directory: string, names: readonly string[], notAfter: Date): string {
  return `${[
    `made ${names.length} certificates below ${printable(directory)}, good until ${notAfter.toISOString().slice(0, 10)}`,
    `  ${names.join(', ')}: each with tls.crt, tls.key and ca.crt`,
    'for trying and development, not for production: see pcs certs --help',
  ].join('\n')}\n`
}

function jsonOf(directory: string, names: readonly string[], notAfter: Date): string {
  return `${JSON.stringify({ directory, names, not_after: notAfter.toISOString() }, undefined, 2)}\n`
}
