import { describe, expect, it } from 'vitest'
import { type LogReadiness, readyReport } from './ready.js'

const READY: LogReadiness = {
  ...{ refusal: undefined, noRoom: undefined, draining: false, retired: false, damaged: [] },
}
const DAMAGE = { state: 'up', detail: 'quarantined, because damaged: a.bad; look with pcs wal verify' }

describe('readyReport', () => {
  it.each([
    { of: 'takes submissions', log: {}, status: 'ready', disk: 'up', inLog: { state: 'up' } },
    { of: 'is damaged', log: { damaged: ['a.bad'] }, status: 'degraded', disk: 'up', inLog: DAMAGE },
    {
      of: 'has no room',
      log: { refusal: 'no room', noRoom: 'no room' },
      ...{ status: 'not_ready', disk: 'full', inLog: { state: 'up' } },
    },
    {
      of: 'has no room and is damaged',
      log: { refusal: 'no room', noRoom: 'no room', damaged: ['a.bad'] },
      ...{ status: 'not_ready', disk: 'full', inLog: DAMAGE },
    },
    {
      of: 'drains',
      log: { refusal: 'it drains', draining: true },
      ...{ status: 'not_ready', disk: 'up', inLog: { state: 'draining', detail: 'it drains' } },
    },
    {
      of: 'drains on a full disk',
      log: { refusal: 'it drains', noRoom: 'no room', draining: true },
      ...{ status: 'not_ready', disk: 'full', inLog: { state: 'draining', detail: 'it drains' } },
    },
    {
      of: 'is retired',
      log: { refusal: 'it is retired', draining: true, retired: true },
      ...{ status: 'not_ready', disk: 'up', inLog: { state: 'retired', detail: 'it is retired' } },
    },
    {
      of: 'has too much unfinished',
      log: { refusal: 'WAL_OPEN_MAX' },
      ...{ status: 'not_ready', disk: 'up', inLog: { state: 'full', detail: 'WAL_OPEN_MAX' } },
    },
  ])('of a log that $of', ({ log, status, disk, inLog }) => {
    const report = readyReport({ ...READY, ...log })
    expect(report.status).toBe(status)
    expect(report.detail).toBe(log.refusal ?? inLog.detail)
    expect(report.dependencies.disk?.state).toBe(disk)
    expect(report.dependencies.log).toEqual(inLog)
  })
})
