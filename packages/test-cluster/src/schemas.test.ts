import { expect, test } from 'vitest'
import { schemasOf } from './schemas.js'

const gvk = (group: string, version: string, kind: string) => ({
  'x-kubernetes-group-version-kind': [{ group, version, kind }],
})

const schemas = schemasOf({
  definitions: {
    'io.k8s.api.core.v1.Service': {
      ...gvk('', 'v1', 'Service'),
      type: 'object',
      properties: { spec: { $ref: '#/definitions/Spec' } },
    },
    Spec: {
      type: 'object',
      properties: {
        port: { $ref: '#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString' },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: {} } },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: 'string', format: 'int-or-string' },
    Other: {
      ...gvk('example.test', 'v1beta1', 'Other'),
      type: 'object',
      properties: { a: { type: 'string' } },
    },
    Options: {
      'x-kubernetes-group-version-kind': [
        { group: '', version: 'v1', kind: 'DeleteOptions' },
        { group: 'apps', version: 'v1', kind: 'DeleteOptions' },
      ],
    },
  },
})

test('each kind has a schema where kubeconform looks for it', () => {
  expect([...schemas.keys()]).toEqual(['v1/v1/service.json', 'example.test/v1beta1/other.json'])
})

test('a schema holds what it refers to, closed for fields that it does not know', () => {
  expect(schemas.get('v1/v1/service.json')).toEqual({
    $ref: '#/definitions/io.k8s.api.core.v1.Service',
    definitions: {
      'io.k8s.api.core.v1.Service': {
        ...gvk('', 'v1', 'Service'),
        additionalProperties: false,
        type: 'object',
        properties: { spec: { $ref: '#/definitions/Spec' } },
      },
      Spec: {
        additionalProperties: false,
        type: 'object',
        properties: {
          port: { $ref: '#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString' },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: {} } },
          labels: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
      'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: ['integer', 'string'] },
    },
  })
})
