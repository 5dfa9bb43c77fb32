import {
  acceptedExample,
  escalatedExample,
  openApiDocument,
  PROBLEM_CONTENT_TYPE,
  recordExample,
  schemas,
} from '@fractal-lba/http-api'
import {
  defaultParameters,
  hasMatchingId,
  hmacKey,
  MalformedRecord,
  parametersHash,
  parseRecord,
  sign,
  validateRecord,
} from '@fractal-lba/pcs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, batch, requestText, submission } from './testing/connection.js'
import { type HttpUnderTest, startHttp } from './testing/start-http.js'

let http: HttpUnderTest
beforeAll(async () => {
  http = await startHttp()
})
afterAll(() => http.close())

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

const operations = Object.entries(openApiDocument.paths).flatMap(([path, methods]) =>
  Object.entries(methods as Record<string, Operation>).map(([method, operation]) => ({
    path,
    method,
    operation,
  })),
)

describe('the OpenAPI document', () => {
  it('is served as it is', async () => {
    const { headers, body } = await ask(http.port, requestText('GET', '/openapi.json'))
    expect(headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(body)).toEqual(openApiDocument)
  })

  it('refers only to what it has', () => {
    const text = JSON.stringify(openApiDocument)
    const references = new Set([...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer = '']) => pointer))
    expect(references.size).toBeGreaterThan(5)
    for (const pointer of references) {
      const found = pointer
        .split('/')
        .reduce<unknown>(
          (value, key) => (value as Record<string, unknown> | undefined)?.[key],
          openApiDocument,
        )
      expect(found, pointer).toBeDefined()
    }
  })

  it.each(operations)('$method $path is served as described', async ({ path, method, operation }) => {
    const real = path.replace('{pcs_id}', recordExample.pcs_id).replace('{slug}', 'malformed')
    const post = path.endsWith('/batch') ? batch('{}') : submission('{}')
    const text = method === 'post' ? post : requestText('GET', real)
    const { status, headers } = await ask(http.port, text)
    const described = Object.keys(operation.responses[String(status)]?.content ?? {})
    const type = headers.get('content-type') ?? ''
    expect(described.some((known) => type.startsWith(known))).toBe(true)
    const wrong = await ask(http.port, requestText('PATCH', real))
    expect(wrong.status).toBe(405)
  })

  it.each(operations)('$method $path tells its errors as problems', ({ operation }) => {
    for (const [status, { content }] of Object.entries(operation.responses)) {
      if (Number(status) >= 400 && !JSON.stringify(content).includes('/Ready')) {
        expect(Object.keys(content ?? {})).toEqual([PROBLEM_CONTENT_TYPE])
      }
    }
  })

  it('has an example of a record that is valid and signed', () => {
    const record = parseRecord(Buffer.from(JSON.stringify(recordExample)))
    expect(hasMatchingId(record)).toBe(true)
    expect(sign(record, hmacKey('testsecret'))).toBe(recordExample.sig)
  })

  it('requires what the verifier requires', () => {
    let missing: readonly string[] = []
    try {
      validateRecord(new Map())
    } catch (error) {
      if (!(error instanceof MalformedRecord)) throw error
      missing = error.errors.map(({ pointer }) => pointer.slice(1))
    }
    // What is wrong with a signature is a 401.
    expect([...missing, 'sig'].sort()).toEqual([...schemas.Record.required].sort())
    expect(Object.keys(schemas.Record.properties).sort()).toEqual([...schemas.Record.required].sort())
    expect(Object.keys(recordExample).sort()).toEqual([...schemas.Record.required].sort())
  })

  it.each(['0.1', '0.2', '0.10', '0.0', '0.01', '1.0', '0.1 ', ''])(
    'admits version %j as validation does',
    (version) => {
      const text = JSON.stringify({ ...recordExample, version })
      const { pattern } = schemas.Record.properties.version
      let taken = true
      try {
        parseRecord(Buffer.from(text))
      } catch {
        taken = false
      }
      expect(new RegExp(pattern).test(version)).toBe(taken)
    },
  )

  it('tells of problems that do not exist', async () => {
    const { status } = await ask(http.port, requestText('GET', '/problems/unknown'))
    expect(status).toBe(404)
    expect(Object.keys(openApiDocument.paths['/problems/{slug}'].get.responses)).toContain('404')
  })

  it('has examples of outcomes in the form of outcomes', () => {
    for (const example of [acceptedExample, escalatedExample]) {
      for (const name of schemas.Outcome.required) expect(example).toHaveProperty(name)
      for (const name of Object.keys(example)) expect(schemas.Outcome.properties).toHaveProperty(name)
      expect(example.params).toBe(parametersHash(defaultParameters))
    }
  })
})
