import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { builtGoProgram, observabilityPrograms } from '@fractal-lba/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generatedFiles, yamlText } from './files.js'
import { defaultRuleOptions } from './rules/rule-files.js'
import { TimeScale } from './rules/time-scale.js'
import { promtoolTests } from './testing/promtool-tests.js'

// What the real programs say of the generated files. They are built by npm run test:observability.

const LIMIT_MS = 300_000
const RULES = ['prometheus/alerts.yml', 'prometheus/alerts-optional.yml', 'prometheus/recording.yml']

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fractal-lba-rules-'))
  write('', generatedFiles(defaultRuleOptions))
  write('drill', generatedFiles({ ...defaultRuleOptions, time: new TimeScale(1_440) }))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function write(below: string, files: ReadonlyMap<string, string>): void {
  for (const [path, text] of files) {
    const file = join(directory, below, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}

function programOf(name: keyof typeof observabilityPrograms) {
  const found = builtGoProgram(observabilityPrograms[name])
  const missing = 'missing' in found ? found.missing : undefined
  const ask = (...args: string[]): Promise<{ code: number; output: string }> =>
    new Promise((resolve, reject) => {
      if ('missing' in found) return reject(new Error(found.missing))
      execFile(found.path, args, { cwd: directory, timeout: LIMIT_MS }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') return reject(error)
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr })
      })
    })
  return { missing, ask, title: missing === undefined ? name : `${name} (${missing})` }
}

const promtool = programOf('promtool')
describe.skipIf(promtool.missing)(promtool.title, () => {
  it.each(['', 'drill/'])('finds no mistake in the rules (%s)', async (below) => {
    const { code, output } = await promtool.ask('check', 'rules', ...RULES.map((file) => below + file))
    expect(code, output).toBe(0)
  })

  it('finds no mistake in the configuration of Prometheus', async () => {
    const { code, output } = await promtool.ask(
      'check',
      'config',
      '--syntax-only',
      'prometheus/prometheus.yml',
    )
    expect(code, output).toBe(0)
  })

  it.each(Object.entries(promtoolTests(RULES, defaultRuleOptions)))(
    'sees each alert fire, end, and stay silent over a healthy system (%s)',
    async (file, tests) => {
      writeFileSync(join(directory, file), yamlText(tests))
      const { code, output } = await promtool.ask('test', 'rules', file)
      expect(code, output).toBe(0)
    },
  )
})

const pint = programOf('pint')
describe.skipIf(pint.missing)(pint.title, () => {
  it('has nothing to say', async () => {
    const { output } = await pint.ask('--no-color', '--offline', '--log-level=warn', 'lint', ...RULES)
    expect(output).toBe('')
  })
})

const amtool = programOf('amtool')
describe.skipIf(amtool.missing)(amtool.title, () => {
  it('finds no mistake in the configuration of Alertmanager', async () => {
    const { code, output } = await amtool.ask('check-config', 'alertmanager/alertmanager.yml')
    expect(code, output).toBe(0)
  })

  it.each(['page', 'critical', 'warning', 'info'])(
    'sends %s to the receiver of that name',
    async (severity) => {
      const route = ['config', 'routes', 'test', '--config.file=alertmanager/alertmanager.yml']
      expect((await amtool.ask(...route, `severity=${severity}`)).output.trim()).toBe(severity)
    },
  )
})
