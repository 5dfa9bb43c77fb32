import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('dev-infra.sh', import.meta.url))
/** Stands for kubectl and helm: notes its arguments and what it reads, prints what kubectl would print, and forwards. */
const FAKE = `#!/usr/bin/env bash
name=$(basename "$0")
input=
case "$*" in *"-f -"*|*/dev/stdin*) input=$(cat) ;; esac
printf '%s\\n' "$name $*" >>"$FAKE_DIRECTORY/arguments"
printf '%s\\n' "$input" >>"$FAKE_DIRECTORY/inputs"
case "$*" in
  *create*) printf 'made of: %s\\n' "$input" ;;
  port-forward*)
    echo $$ >>"$FAKE_DIRECTORY/forwards"
    [ -z "\${FAKE_TAKEN-}" ] || exit 1
    echo 'Forwarding from 127.0.0.1'
    exec sleep 60 ;;
esac
`

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fractal-lba-dev-infra-'))
  for (const name of ['kubectl', 'helm']) {
    writeFileSync(join(directory, name), FAKE)
    chmodSync(join(directory, name), 0o755)
  }
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const noted = (/** @type {string} */ file) => readFileSync(join(directory, file), 'utf8')

/**
 * @param {readonly string[]} args
 * @param {(printed: string) => boolean} [isEnough] it is ended by SIGINT when its output is
 * @param {Readonly<Record<string, string>>} [more] variables
 */
function devInfra(args, isEnough = () => false, more = {}) {
  const PATH = `${directory}${delimiter}${process.env.PATH}`
  const env = { ...process.env, PATH, FAKE_DIRECTORY: directory, ENV_FILE: join(directory, '.env'), ...more }
  const child = spawn(script, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (part) => {
    out += part
    if (isEnough(out)) child.kill('SIGINT')
  })
  child.stderr.setEncoding('utf8').on('data', (part) => {
    err += part
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })))
}

const isPrinted = (/** @type {string} */ out) => out.includes('npm start')

describe('scripts/dev-infra.sh, with a fake kubectl and a fake helm', () => {
  it('makes Secrets of .env, installs the profile, forwards, and prints an environment without a secret', async () => {
    writeFileSync(join(directory, '.env'), "REDIS_PASSWORD='for redis'\nPOSTGRES_PASSWORD=for-postgres\n")
    const { code, out, err } = await devInfra([], isPrinted)
    expect(code, err).toBe(0)
    const args = noted('arguments')
    expect(args).toContain('kubectl create secret generic redis-auth-secret --namespace fractal-lba-dev')
    expect(args).toContain('kubectl create secret generic postgres-auth-secret --namespace fractal-lba-dev')
    expect(args).toMatch(
      /^helm upgrade --install fractal-lba helm\/fractal-lba .*--values helm\/fractal-lba\/values-dev.yaml --wait/m,
    )
    expect(args).toMatch(/port-forward .* service\/fractal-lba-jaeger 4318 16686/)
    expect(noted('inputs')).toContain('REDIS_PASSWORD=for redis\n')
    expect(noted('inputs')).toContain('POSTGRES_PASSWORD=for-postgres\n')
    expect(`${args}${out}${err}`).not.toMatch(/for redis|for-postgres/)
    expect(out).toMatch(/^export DEDUP_BACKEND=redis REDIS_ADDR=127\.0\.0\.1:6379$/m)
  })

  it('ends its forwarding with itself', async () => {
    await devInfra([], isPrinted)
    const pids = noted('forwards').trim().split('\n').map(Number)
    expect(pids).toHaveLength(3)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('says so when a port is taken, and prints no environment', async () => {
    const { code, out, err } = await devInfra([], isPrinted, { FAKE_TAKEN: 'yes' })
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('is one of 6379 taken here?')
  })

  it('makes fresh passwords where there is no .env, for its owner alone', async () => {
    expect(await devInfra([], isPrinted)).toMatchObject({ code: 0 })
    expect(noted('.env')).toMatch(/^REDIS_PASSWORD=[0-9a-f]{48}\nPOSTGRES_PASSWORD=[0-9a-f]{48}\n$/)
    expect(statSync(join(directory, '.env')).mode & 0o777).toBe(0o600)
  })

  it('names what is missing in .env, and installs nothing', async () => {
    writeFileSync(join(directory, '.env'), 'REDIS_PASSWORD=x\n')
    const { code, err } = await devInfra([])
    expect(code).toBe(1)
    expect(err).toContain('must have POSTGRES_PASSWORD=')
    expect(noted('arguments')).not.toContain('helm')
  })

  it('uninstalls', async () => {
    expect(await devInfra(['down'])).toMatchObject({ code: 0 })
    expect(noted('arguments')).toBe('helm uninstall fractal-lba --namespace fractal-lba-dev\n')
  })
})
